"""What goes wrong without an exception when weights are rewritten: each time, a refusal or a gate stops the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from leanvlm.errors import InputError, RunError
from leanvlm.methods.weights import _decoder, _saving, _scaling, awq, gptq, rtn, sparsegpt, wanda
from leanvlm.methods.weights._audit import fingerprints
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._formats import W8A8
from leanvlm.methods.weights._layers import decoder_layers, decoder_linears
from leanvlm.methods.weights._rounding import round_block
from leanvlm.methods.weights._weights import WeightsMethod
from tests.methods import saved
from tests.methods.calibrated import compress

LISTENING = [
    gptq.Method(setting="w4a16-g32"),
    awq.Method(setting="w4a16-g32", grid=6),
    sparsegpt.Method(setting="50%"),
]
LOOSE = rtn.Method(setting="w4a16-g32")
each_listening = pytest.mark.parametrize("method", LISTENING, ids=["gptq", "awq", "sparsegpt"])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("silent")
    saved.save("llava", folder)
    return folder


def run(source: Path, folder: Path, *methods: WeightsMethod, model: Any = None) -> None:
    read, samples = saved.read("llava", source)
    model = model or read
    produce(methods, model.model, record(model.model, samples), source=source, folder=folder)


@dataclass(frozen=True, kw_only=True)
class Broken(rtn.Method):
    """Attaches a scheme to more than was asked, or to less."""

    reaches: str = ""

    def compress(self, decoder: Decoder) -> None:
        for block in decoder.rewrite(listens=False):
            names = list(block.linears)
            if self.reaches == "less":
                block.linears = {name: block.linears[name] for name in names[1:]}
            round_block(block, W8A8["w8a8"])
            block.linears |= {name: decoder.model.get_submodule(name) for name in names}
        if self.reaches == "head":
            decoder.model.lm_head.quantization_scheme = W8A8["w8a8"].scheme()


@pytest.mark.parametrize(
    ("reaches", "said"),
    [
        ("less", "6 modules of .* were quantised where 7 were asked"),
        ("head", "come back quantised|changed tensors other"),
    ],
)
def test_other_modules_than_asked_are_not_quantised(source: Path, tmp_path: Path, reaches: str, said: str) -> None:
    with pytest.raises(RunError, match=said):
        run(source, tmp_path, Broken(setting="w8a8", reaches=reaches))


@each_listening
def test_samples_of_several_kinds_are_all_listened_to(source: Path, method: Any) -> None:
    """A library that traces the first one's branches would leave the pictures of others out, or stop."""
    (alone, samples), (both, _) = saved.read("llava", source), saved.read("llava", source)
    blind = type(samples[0])({"input_ids": samples[0]["input_ids"][:, :9]}, is_visual=torch.zeros(9).bool(), n_answer=2)
    compress(method, alone, samples)
    compress(method, both, [blind, *samples])
    weights = decoder_linears(alone.model)
    assert any(not torch.equal(part.weight, weights[name].weight) for name, part in decoder_linears(both.model).items())


@each_listening
def test_a_method_that_listens_needs_samples(source: Path, method: Any) -> None:
    model, _ = saved.read("llava", source)
    with pytest.raises(InputError, match="needs calibration samples"):
        compress(method, model, [])


@pytest.mark.parametrize("method", [LISTENING[0], LISTENING[2]], ids=["gptq", "sparsegpt"])
def test_a_hessian_that_has_no_inverse_stops_the_run(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    """Llmcompressor would round to nearest, or prune by magnitude, and go on."""
    factorise = torch.linalg.cholesky_ex

    def fails(matrix: Any, *, out: Any = None, **options: Any) -> Any:
        found = factorise(matrix, out=out, **options)
        found.info.fill_(1)
        return found

    monkeypatch.setattr(torch.linalg, "cholesky_ex", fails)
    with pytest.raises(RunError, match=r"the Hessian of .*layers\.0.* has no inverse"):
        run(source, tmp_path, method)


@each_listening
def test_a_pruned_model_is_not_filled(source: Path, tmp_path: Path, method: Any) -> None:
    with pytest.raises(InputError, match=r"50% of .* are zeros.* weights/rtn$"):
        run(source, tmp_path, wanda.Method(setting="2:4"), method)


@dataclass(frozen=True, kw_only=True)
class Filling(rtn.Method):
    """Rounds to nearest what it changed before."""

    def compress(self, decoder: Decoder) -> None:
        weight: Any = list(decoder_linears(decoder.model).values())[-1].weight
        weight.data[0] += weight.data[1:].amax()
        super().compress(decoder)


def test_pruned_weights_that_come_back_are_noticed(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"pruned weights of .*layers\.3\.mlp\.down_proj are not zero any more"):
        run(source, tmp_path, wanda.Method(setting="2:4"), Filling(setting="w4a16-g32"))


@dataclass(frozen=True, kw_only=True)
class Striped(wanda.Method):
    """Prunes half, but not two of every four."""

    def compress(self, decoder: Decoder) -> None:
        for block in decoder.rewrite():
            for linear in block.linears.values():
                linear.weight.data.unflatten(1, (-1, 8))[..., :4] = 0


def test_a_pattern_that_is_not_2_of_4_is_noticed(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="kept 4 of four neighbouring weights where 2:4 was asked"):
        run(source, tmp_path, Striped(setting="2:4"))


@pytest.mark.parametrize("cut", ["layers", "width"])
def test_a_model_that_was_cut_in_memory_is_refused(source: Path, tmp_path: Path, cut: str) -> None:
    """It would be saved with the configuration that it no longer has."""
    model, samples = saved.read("llava", source)
    entered = record(model.model, samples)
    if cut == "layers":
        del model.text.layers[3]
    else:
        mlp = model.text.layers[0].mlp
        mlp.down_proj.weight = nn.Parameter(mlp.down_proj.weight[:, :96].clone())
    with pytest.raises(InputError, match="differ from what the model's configuration says"):
        produce([LOOSE], model.model, entered, source=source, folder=tmp_path)


def test_a_quantised_model_is_refused(source: Path, tmp_path: Path) -> None:
    model, samples = saved.read("llava", source)
    compress(LOOSE, model, samples)
    with pytest.raises(InputError, match="quantised already"):
        run(source, tmp_path, LOOSE, model=model)


def test_values_that_are_not_stored_as_they_were_measured_are_noticed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_decoder, "settle", lambda *_: None)
    with pytest.raises(RunError, match="does not answer as the model did in memory"):
        run(source, tmp_path, LISTENING[2])


def test_a_layer_that_is_stored_under_anothers_name_is_noticed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = _saving.Shards.add

    def swapped(self: Any, tensors: dict[str, Any]) -> None:
        names = {"layers.1.self_attn.q_proj.weight": "layers.1.self_attn.o_proj.weight"}
        names |= {other: name for name, other in names.items()}
        language = {
            k: next((k.replace(a, b) for a, b in names.items() if "language" in k and a in k), k) for k in tensors
        }
        add(self, {language[name]: value for name, value in tensors.items()})

    monkeypatch.setattr(_saving.Shards, "add", swapped)
    with pytest.raises(RunError, match="does not answer as the model did in memory"):
        run(source, tmp_path, LISTENING[0])


def gemma(folder: Path, change: Any) -> tuple[Any, Any]:
    saved.save("gemma3", folder)
    model, samples = saved.read("gemma3", folder)
    for layer in decoder_layers(model.model).values():
        change(layer.get_submodule("input_layernorm").weight.data)
    return model, samples


def test_gemmas_norms_stay_as_they_are(tmp_path: Path) -> None:
    """Were 1 added to them and taken away again, a small one would be lost."""
    model, samples = gemma(tmp_path, lambda norm: norm.fill_(2.0**-30))
    before = fingerprints(model.model)
    compress(LOOSE, model, samples)
    assert fingerprints(model.model) == before


def test_scaling_that_changes_what_a_model_computes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gemma's norms multiply by 1 + weight: dividing the weight alone is wrong."""
    monkeypatch.setattr(_scaling, "offset_of", lambda _: 0)
    model, samples = gemma(tmp_path, lambda norm: None)
    with pytest.raises(RunError, match=r"scaled but not rounded, .*layers\.0 gives what moved"):
        compress(LISTENING[1], model, samples)


@each_listening
def test_nothing_is_left_behind(source: Path, method: Any) -> None:
    model, samples = saved.read("llava", source)
    state = torch.get_rng_state()
    model.model(**samples[0])  # transformers has hooks of its own, put up by a first call
    hooks = [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.model.modules()]
    compress(method, model, samples)
    assert torch.equal(torch.get_rng_state(), state)
    assert {type(module._parameters) for module in model.model.modules()} == {dict}
    assert [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.model.modules()] == hooks
    assert not any("forward" in layer.__dict__ for layer in decoder_layers(model.model).values())
