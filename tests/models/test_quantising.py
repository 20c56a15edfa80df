"""Every architecture is quantised and pruned by llmcompressor, passes the gates, and comes back as it was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from leanvlm.engine.refusal import refusal
from leanvlm.errors import InputError
from leanvlm.methods.weights import awq
from leanvlm.methods.weights._audit import quantised
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights._samples import Samples
from leanvlm.methods.weights._saving import reload
from leanvlm.models._network import read_network
from leanvlm.recipes import parse
from tests.methods import saved
from tests.methods.calibrated import compress
from tests.models import tiny

RECIPES = {
    "weights/rtn@w4a16-g32": 4.5 / 16,
    "weights/rtn@w8a8": 0.5,
    "weights/gptq@w4a16-g32": 4.5 / 16,
    "weights/awq@w4a16-g32:grid=4": 4.5 / 16,
    "weights/sparsegpt@50%": 0.5,
    "weights/sparsegpt@2:4+weights/rtn@w4a16-g32": (0.5 * 4 + 0.5) / 16,
    "weights/rtn@nvfp4+weights/eora@r4": 4.5 / 16,
}


@pytest.fixture(scope="module", params=list(tiny.BUILDERS))
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    saved.save(request.param, folder)
    return request.param, folder


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_loaded_again_is_what_was_measured(source: tuple[str, Path], recipe: str, tmp_path: Path) -> None:
    (model, samples), methods = saved.read(*source), [part.built for part in parse(recipe).parts]
    if refusal(type(model), model.model.config, parse(recipe)):
        with pytest.raises(InputError, match="weights/awq scales what feeds the layers of attention"):
            compress(methods[0], model, samples)
        return
    full = logits(model.model, samples)
    audit = produce(methods, model.model, record(model.model, samples), source=source[1], folder=tmp_path)
    assert audit["is_reload_equal"]
    assert {value.device.type for value in model.model.parameters()} == {"meta"}, "two models were held at a time"
    assert audit["n_linears"] == tiny.N_LINEARS.get(source[0], 4 * 7)
    added = sum(part["achieved_budget"] for part in audit["parts"] if part["budget"] is None)
    assert audit["achieved_budget"] - added == pytest.approx(RECIPES[recipe], abs=1 / 64)
    again = saved.unpacked(reload(saved.read(*source)[0].model, tmp_path, torch.float32))
    answers = logits(again, samples)
    assert all(not torch.equal(a, b) for a, b in zip(full, answers, strict=True))
    assert quantised(again) == (set(decoder_linears(again)) if any(method.quantises for method in methods) else set())


@torch.no_grad()
def logits(model: Any, samples: Samples) -> list[Tensor]:
    return [model(**sample, use_cache=False).logits for sample in samples]


def test_awq_scales_without_changing_what_a_model_computes(
    source: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awq, "round_block", lambda *_: None)
    (dense, samples), (scaled, _) = saved.read(*source), saved.read(*source)
    if refusal(type(dense), dense.model.config, parse("weights/awq@w4a16-g32")):
        return
    compress(awq.Method(setting="w4a16-g32", grid=6, weights=False), scaled, samples)
    before, after = decoder_linears(dense.model), decoder_linears(scaled.model)
    assert any(not torch.equal(after[name].weight, before[name].weight) for name in before)
    for found, wanted in zip(logits(scaled.model, samples), logits(dense.model, samples), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=5e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize(("recipe", "is_plain"), [("weights/rtn@w4a16-g32", True), ("weights/rtn@w8a8", False)])
def test_only_layers_whose_inputs_are_rounded_keep_a_forward_of_their_own(
    recipe: str, is_plain: bool, tmp_path: Path
) -> None:
    """What compressed-tensors puts around a layer takes as long as a small layer itself, and here changes nothing."""
    for name in ("source", "made"):
        (tmp_path / name).mkdir()
    saved.save("qwen2_vl", tmp_path / "source")
    model, samples = saved.read("qwen2_vl", tmp_path / "source")
    methods = [part.built for part in parse(recipe).parts]
    recorded = record(model.model, samples)
    produce(methods, model.model, recorded, source=tmp_path / "source", folder=tmp_path / "made")
    network = read_network(model.network_class, tmp_path / "made", dtype="float32", device_map=None)
    forwards = ["forward" in layer.__dict__ for layer in decoder_linears(network).values()]
    assert forwards == [not is_plain] * len(forwards)
    assert {type(part._parameters) for part in network.modules()} == {dict}, "weights are looked up through a cache"
