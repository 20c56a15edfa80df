"""Every architecture is quantised and pruned by llmcompressor, passes the gates, and comes back as it was saved."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from leanvlm.engine.refusal import refusal
from leanvlm.errors import InputError
from leanvlm.methods.weights import awq
from leanvlm.methods.weights._audit import quantised
from leanvlm.methods.weights._checkpoint import probe, produce
from leanvlm.methods.weights._saving import reload
from leanvlm.methods.weights._weights import decoder_linears
from leanvlm.recipes import parse
from tests.methods import saved
from tests.models import tiny

RECIPES = {
    "weights/rtn@w4a16-g32": 4.5 / 16,
    "weights/rtn@w8a8": 0.5,
    "weights/gptq@w4a16-g32": 4.5 / 16,
    "weights/awq@w4a16-g32:grid=4": 4.5 / 16,
    "weights/sparsegpt@50%": 0.5,
    "weights/sparsegpt@2:4+weights/rtn@w4a16-g32": (0.5 * 4 + 0.5) / 16,
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
            methods[0].compress(model.model, samples, processor=model.processor)
        return
    full = probe(model.model, samples)
    audit = produce(methods, model.model, model.processor, samples, source=source[1], folder=tmp_path)
    assert audit["is_reload_equal"]
    assert {value.device.type for value in model.model.parameters()} == {"meta"}, "two models were held at a time"
    assert audit["n_linears"] == tiny.N_LINEARS.get(source[0], 4 * 7)
    assert audit["achieved_budget"] == pytest.approx(RECIPES[recipe], abs=1 / 64)
    again = reload(saved.read(*source)[0].model, tmp_path)
    answers = probe(again, samples)
    assert all(not torch.equal(a, b) for a, b in zip(full, answers, strict=True))
    assert quantised(again) == (set(decoder_linears(again)) if methods[-1].quantises else set())


def test_awq_scales_without_changing_what_a_model_computes(source: tuple[str, Path]) -> None:
    from llmcompressor.utils.helpers import DisableQuantization

    (dense, samples), (scaled, _) = saved.read(*source), saved.read(*source)
    if refusal(type(dense), dense.model.config, parse("weights/awq@w4a16-g32")):
        return
    awq.Method(setting="w4a16-g32", grid=6, weights=False).compress(scaled.model, samples, processor=scaled.processor)
    before, after = decoder_linears(dense.model), decoder_linears(scaled.model)
    assert any(not torch.equal(after[name].weight, before[name].weight) for name in before)
    expected = probe(dense.model, samples)
    with DisableQuantization(scaled.model):
        for logits, wanted in zip(probe(scaled.model, samples), expected, strict=True):
            torch.testing.assert_close(logits, wanted, rtol=0, atol=5e-4 * float(wanted.abs().max()))
