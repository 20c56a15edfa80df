"""Every architecture is quantised and pruned by llmcompressor, passes the gates, and comes back as it was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from leanvlm.methods._audit import quantised
from leanvlm.methods._checkpoint import probe, produce, reload
from leanvlm.methods._weights import decoder_linears
from leanvlm.recipe import parse
from tests.methods.calibrated import samples_of
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
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An architecture's tiny model in bfloat16, on disk, with norms that differ from column to column."""
    folder = tmp_path_factory.mktemp(request.param)
    model = tiny.build(request.param)
    lots = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.text.named_parameters():
            if "norm.weight" in name:
                weight.add_(torch.randn(len(weight), generator=lots).exp())
    model.model.to(torch.bfloat16).save_pretrained(folder)
    return request.param, folder


def read(architecture: str, folder: Path) -> Any:
    """Build the adapter around the network that is on disk."""
    model = tiny.build(architecture)
    model.model = type(model.model).from_pretrained(folder, dtype=torch.float32)
    return model


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_loaded_again_is_what_was_measured(saved: tuple[str, Path], recipe: str, tmp_path: Path) -> None:
    architecture, source = saved
    model, methods = read(architecture, source), [part.built for part in parse(recipe).parts]
    samples, full = samples_of(model), probe(model.model, samples_of(model))
    audit = produce(methods, model.model, model.processor, samples, source=source, folder=tmp_path)
    assert audit["is_reload_equal"]
    assert audit["n_linears"] == 4 * 7
    assert audit["achieved_budget"] == pytest.approx(RECIPES[recipe], abs=1 / 64)
    again = reload(read(architecture, source).model, tmp_path)
    answers = probe(again, samples)
    assert all(not torch.equal(a, b) for a, b in zip(full, answers, strict=True))
    assert quantised(again) == (set(decoder_linears(again)) if methods[-1].quantises else set())
