"""Nats a token against slow references: one prefix at a time, and the engine's own steps over the same cache."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from leanvlm.benches.decoder.losses import continuation_nats, window_nats
from leanvlm.engine.decode.steps import DecodeStart, steps
from leanvlm.engine.passes import keep_cache, read_prompt
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse

PROMPT, WINDOW = 40, 56
KIVI = "cache/kivi@2bit:group=8,residual=8"
UNEVEN = "cache/pyramidkv@30%:beta=4,window=4"  # keeps more positions in low layers than in high ones


@pytest.fixture(scope="module")
def window() -> Tensor:
    """Words, none of which stands for a picture."""
    return torch.randint(20, 120, (1, WINDOW), generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def slow(model: LoadedModel, window: Tensor, first: int) -> float:
    """Ask for one token after another, each time reading all that comes before."""
    found = []
    for index in range(first, window.shape[1]):
        logits = model.model(input_ids=window[:, :index]).logits[0, -1]
        found.append(-float(logits.double().log_softmax(-1)[window[0, index]]))
    return sum(found) / len(found)


def forced(model: LoadedModel, window: Tensor, recipe: str) -> float:
    """Give the engine's own decoding one token after another, over the cache that a recipe keeps."""
    parsed = parse(recipe)
    prefilled = read_prompt(model, run_vision(model, {"input_ids": window[:, :PROMPT]}), None, "0", [parsed])
    cache = keep_cache(parsed, prefilled, "0").cache
    given, found = iter(window[0, PROMPT:]), []

    def choose(logits: Tensor) -> Tensor:
        token = next(given)
        found.append(-float(logits.double().log_softmax(-1)[token]))
        return token[None]

    decoding = steps(model, DecodeStart(cache, prefilled.logits, prefilled.next_position), choose)
    for _ in range(WINDOW - PROMPT):
        next(decoding)
    return sum(found[1:]) / len(found[1:])


def test_a_window_costs_what_its_tokens_cost_one_by_one(model: LoadedModel, window: Tensor) -> None:
    assert window_nats(model, window) == pytest.approx(slow(model, window, 1), abs=1e-4)


def test_over_the_whole_cache_a_continuation_costs_what_it_costs_the_full_model(
    model: LoadedModel, window: Tensor
) -> None:
    recipes = [parse(recipe) for recipe in ("controls/full", "cache/snapkv@100%", "cache/streaming@100%")]
    expected = slow(model, window, PROMPT + 1)
    assert continuation_nats(model, window, PROMPT, recipes, "0") == pytest.approx([expected] * 3, abs=1e-4)


@pytest.mark.parametrize(
    "recipe",
    ["cache/h2o@20%", UNEVEN, "cache/lookm@20%", "controls/random_cache@10%", "cache/adakv@30%:uniform=0", KIVI],
)
def test_one_pass_costs_what_steps_over_the_same_cache_cost(model: LoadedModel, window: Tensor, recipe: str) -> None:
    full, found = continuation_nats(model, window, PROMPT, [parse("controls/full"), parse(recipe)], "0")
    assert found == pytest.approx(forced(model, window, recipe), abs=1e-4)
    assert found != pytest.approx(full, abs=1e-2)


def test_measuring_leaves_the_model_as_it_was(model: LoadedModel, window: Tensor) -> None:
    before = model.model.config.get_text_config()._attn_implementation
    continuation_nats(model, window, PROMPT, [parse(UNEVEN)], "0")
    assert model.model.config.get_text_config()._attn_implementation == before
