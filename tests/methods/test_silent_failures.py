"""What llmcompressor does wrong without an exception: each time, our call refuses or a gate stops the run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from leanvlm.errors import InputError, RunError
from leanvlm.methods.weights import _checkpoint, awq, gptq, rtn, sparsegpt, wanda
from leanvlm.methods.weights._audit import fingerprints
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._oneshot import oneshot
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._weights import WeightsMethod, decoder_layers, decoder_linears
from tests.methods import saved

LISTENING = [
    gptq.Method(setting="w4a16-g32"),
    awq.Method(setting="w4a16-g32", grid=3),
    sparsegpt.Method(setting="50%"),
]
LOOSE = rtn.Method(setting="w4a16-g32")
each_listening = pytest.mark.parametrize("method", LISTENING, ids=["gptq", "awq", "sparsegpt"])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("silent")
    saved.save("llava", folder)
    return folder


def run(source: Path, folder: Path, *methods: WeightsMethod) -> None:
    model, samples = saved.read("llava", source)
    produce(methods, model.model, model.processor, samples, source=source, folder=folder)


def forced(patch: pytest.MonkeyPatch, **arguments: Any) -> None:
    """Let every call of llmcompressor take these arguments too."""
    entry = import_module("llmcompressor.entrypoints.oneshot")
    patch.setattr(entry, "oneshot", partial(entry.oneshot, **arguments))


@dataclass(frozen=True, kw_only=True)
class Broken(QuantisingMethod):
    """Quantises to eight bits by a call of llmcompressor as its examples write it."""

    setting: str = "w4a16-g32"

    def compress(self, model: Any, calibration: Any, *, processor: Any) -> None:
        def modifiers() -> list[Any]:
            from llmcompressor.modifiers.quantization import QuantizationModifier

            ignored = ["lm_head", "re:.*vision_tower.*", "re:.*multi_modal_projector.*"]
            ignored = [] if self.setting == "w4a16-g64" else ignored
            return [QuantizationModifier(targets="Linear", ignore=ignored, scheme="W8A8")]

        oneshot(model, modifiers, None, processor=processor)


def test_modules_beyond_the_decoder_are_not_quantised(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"changed tensors other than|modules were quantised where 28 were asked"):
        run(source, tmp_path, Broken(setting="w4a16-g64"))


def test_what_is_ignored_by_other_names_does_not_come_back_quantised(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"does not answer as the model did|come back quantised"):
        run(source, tmp_path, Broken())


@each_listening
def test_samples_with_and_without_pictures_are_not_mixed(source: Path, method: Any) -> None:
    """The first one's branches are all that is traced."""
    model, samples = saved.read("llava", source)
    blind = {"input_ids": samples[0]["input_ids"][:, :3]}
    with pytest.raises(InputError, match="samples must be of one kind"):
        method.compress(model.model, [*samples, blind], processor=model.processor)


@each_listening
def test_a_method_that_listens_needs_samples(source: Path, method: Any) -> None:
    model, _ = saved.read("llava", source)
    with pytest.raises(InputError, match="needs calibration samples"):
        method.compress(model.model, [], processor=model.processor)


@pytest.mark.parametrize(("method", "said"), [(LISTENING[0], "not finite"), (LISTENING[2], "kept 1.0000 where 0.5000")])
def test_a_pipeline_without_data_is_noticed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Any, said: str
) -> None:
    from llmcompressor.pipelines.registry import CalibrationPipeline

    monkeypatch.setattr(CalibrationPipeline, "_infer_pipeline", staticmethod(lambda modifiers: "datafree"))
    with pytest.raises(RunError, match=said):
        run(source, tmp_path, method)


def test_warnings_of_layers_that_were_left_out_stop_the_run(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced(monkeypatch, pipeline="basic")  # AWQ skips what it finds to be NaN, and becomes rounding to nearest
    with pytest.raises(RunError, match="llmcompressor warned"):
        run(source, tmp_path, LISTENING[1])


@pytest.mark.parametrize("method", [LISTENING[0], LISTENING[2]], ids=["gptq", "sparsegpt"])
def test_a_hessian_that_has_no_inverse_stops_the_run(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    """Llmcompressor would round to nearest, or prune by magnitude, and go on."""

    def raises(*_: Any, **__: Any) -> Any:
        raise torch.linalg.LinAlgError("not positive definite")

    def tells(*_: Any, out: Any, **__: Any) -> None:
        out[1].fill_(1)

    monkeypatch.setattr(torch.linalg, *(("cholesky_ex", tells) if method is LISTENING[0] else ("cholesky", raises)))
    with pytest.raises(RunError, match=r"llmcompressor warned.*(Failed to invert|inversion failed)"):
        run(source, tmp_path, method)


@each_listening
def test_a_pruned_model_is_not_filled(source: Path, method: Any) -> None:
    model, samples = saved.read("llava", source)
    wanda.Method(setting="2:4").compress(model.model, samples, processor=model.processor)
    with pytest.raises(InputError, match=r"50% of .* are zeros.* weights/rtn$"):
        method.compress(model.model, samples, processor=model.processor)


@dataclass(frozen=True, kw_only=True)
class Filling(rtn.Method):
    """Rounds to nearest what it changed before."""

    def compress(self, model: Any, calibration: Any, *, processor: Any) -> None:
        linear = list(decoder_linears(model).values())[-1]
        linear.weight.data[0] += linear.weight.data[1:].amax()
        super().compress(model, calibration, processor=processor)


def test_pruned_weights_that_come_back_are_noticed(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"pruned weights of .*layers\.3\.mlp\.down_proj are not zero any more"):
        run(source, tmp_path, wanda.Method(setting="2:4"), Filling(setting="w4a16-g32"))


@dataclass(frozen=True, kw_only=True)
class Striped(wanda.Method):
    """Prunes half, but not two of every four."""

    def compress(self, model: Any, calibration: Any, *, processor: Any) -> None:
        for linear in decoder_linears(model).values():
            linear.weight.data.unflatten(1, (-1, 8))[..., :4] = 0


def test_a_pattern_that_is_not_2_of_4_is_noticed(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="kept 4 of four neighbouring weights where 2:4 was asked"):
        run(source, tmp_path, Striped(setting="2:4"))


@pytest.mark.parametrize("cut", ["layers", "width"])
def test_a_model_that_was_cut_in_memory_is_refused(source: Path, cut: str) -> None:
    """It would be saved with the configuration that it no longer has."""
    model, samples = saved.read("llava", source)
    if cut == "layers":
        del model.text.layers[3]
    else:
        mlp = model.text.layers[0].mlp
        mlp.down_proj.weight = nn.Parameter(mlp.down_proj.weight[:, :96].clone())
    with pytest.raises(InputError, match="differ from what the model's configuration says"):
        LOOSE.compress(model.model, samples, processor=model.processor)


def test_targets_that_reach_too_far_are_noticed(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparsegpt, "TARGETS", ["Linear"])
    with pytest.raises(RunError, match="changed tensors other than the decoder's linear weights"):
        run(source, tmp_path, LISTENING[2])


def test_a_quantised_model_is_refused(source: Path) -> None:
    model, samples = saved.read("llava", source)
    LOOSE.compress(model.model, samples, processor=model.processor)
    with pytest.raises(InputError, match="quantised already"):
        LOOSE.compress(model.model, samples, processor=model.processor)


def test_values_that_are_not_stored_as_they_were_measured_are_noticed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_checkpoint, "settle", lambda *_: None)
    with pytest.raises(RunError, match="does not answer as the model did in memory"):
        run(source, tmp_path, LISTENING[2])


def gemma(folder: Path, change: Callable[[torch.Tensor], None]) -> tuple[Any, Any]:
    saved.save("gemma3", folder)
    model, samples = saved.read("gemma3", folder)
    for layer in decoder_layers(model.model).values():
        change(layer.get_submodule("input_layernorm").weight.data)
    return model, samples


def test_gemmas_norms_stay_as_they_are(tmp_path: Path) -> None:
    """1 is added to them and taken away again, in which a small one is lost."""
    model, samples = gemma(tmp_path, lambda norm: norm.fill_(2.0**-30))
    before = fingerprints(model.model)
    LOOSE.compress(model.model, samples, processor=model.processor)
    assert fingerprints(model.model) == before


def test_scaling_that_changes_what_a_model_computes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gemma's norms multiply by 1 + weight: dividing the weight alone is wrong."""
    entry = import_module("llmcompressor.entrypoints.oneshot")
    monkeypatch.setattr(entry, "norm_calibration_context", lambda _: nullcontext())
    model, samples = gemma(tmp_path, lambda norm: None)
    with pytest.raises(RunError, match="scaled but not rounded, the model's logits moved"):
        LISTENING[1].compress(model.model, samples, processor=model.processor)


@each_listening
def test_nothing_is_left_behind(source: Path, method: Any) -> None:
    from llmcompressor.core import active_session
    from llmcompressor.pipelines.cache import IntermediatesCache

    model, samples = saved.read("llava", source)
    pin, state = IntermediatesCache.pin_memory, torch.get_rng_state()
    method.compress(model.model, samples, processor=model.processor)
    assert IntermediatesCache.pin_memory is pin
    assert torch.equal(torch.get_rng_state(), state)
    assert {type(module._parameters) for module in model.model.modules()} == {dict}
    assert active_session().state.model is None
