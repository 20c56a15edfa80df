"""PyramidDrop's stages and shares, an example of eight tokens, and whose attention it reads."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from leanvlm.engine.prefill import prefill
from leanvlm.engine.refusal import refusal
from leanvlm.engine.vision import vision_pass
from leanvlm.methods._method import n_keep
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods.tokens.pyramiddrop import Method
from leanvlm.recipes import parse
from tests.methods.fixtures import heads, signals
from tests.models import tiny


@pytest.mark.parametrize(
    ("n_layers", "layers"), [(32, [8, 16, 24]), (28, [7, 14, 21]), (36, [9, 18, 27]), (24, [6, 12, 18]), (4, [1, 2, 3])]
)
def test_stages_are_a_quarter_of_the_depth_apart(n_layers: int, layers: list[int]) -> None:
    assert list(Method(budget=0.125).stages(n_layers)) == layers


@pytest.mark.parametrize(
    ("budget", "shares"),
    [(0.125, [0.5, 0.25, 0.125]), (0.1, [0.4642, 0.2154, 0.1]), (0.05, [0.3684, 0.1357, 0.05]), (1.0, [1, 1, 1])],
)
def test_shares_are_geometric(budget: float, shares: list[float]) -> None:
    assert [*Method(budget=budget).stages(32).values()] == pytest.approx(shares, abs=1e-4)


def test_stages_that_meet_are_one() -> None:
    assert Method(budget=0.125).stages(3) == pytest.approx({1: 0.25, 2: 0.125})
    assert Method(budget=0.125).stages(2) == {1: 0.125}


@pytest.mark.parametrize(
    ("n", "counts"), [(576, [288, 144, 72]), (729, [364, 182, 91]), (10, [5, 2, 1]), (7, [3, 1, 1])]
)
def test_the_published_shares_count_as_the_code_does(n: int, counts: list[int]) -> None:
    """But that one token stays."""
    assert [n_keep(n, share) for share in Method(budget=0.125).stages(32).values()] == counts


def test_eight_tokens_over_three_stages() -> None:
    """At the first stage 0 is as good as 7, which comes later."""
    method, left = Method(budget=0.125), torch.arange(8)
    told = ([0.1, 0.3, 0.2, 0.05, 0.15, 0.02, 0.08, 0.1], [0.4, 0.1, 0.3, 0.2], [0.2, 0.6])
    for scores, kept in zip(told, ([0, 1, 2, 4], [0, 2], [2]), strict=True):
        states = torch.arange(8.0)[left, None]
        index, reduced = method.reduce(states, torch.tensor(scores), len(kept))
        left = left[index]
        assert left.tolist() == kept
        assert reduced[:, 0].tolist() == kept


def test_the_last_row_counts() -> None:
    """FastV's example, whose heads are the same two twice."""
    two = heads(tokens=8, boosts=())[:2]
    below = signals(torch.cat([two, two]), visual=(2, 3, 4, 5, 6))
    score = Method(budget=0.5).score(below, None)[2:7]
    assert score.tolist() == pytest.approx([0.08980, 0.11782, 0.16236, 0.19037, 0.11422], abs=1e-5)


@pytest.mark.parametrize("architecture", list(tiny.BUILDERS))
def test_a_stage_is_judged_by_its_own_layer(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is dropped before the first stage, so its layer's eager attention is known."""
    model = tiny.build(architecture)
    part = parse("tokens/pyramiddrop@30%").parts[0]
    if refusal(type(model), model.model.config, parse("tokens/pyramiddrop@30%")):
        assert architecture in ("lfm2_vl", "mllama")  # a layer 2 that does not attend, a decoder without visual tokens
        return
    inputs = model.inputs(tiny.pictures("two"), "two")
    scores: list[tuple[int, Tensor]] = []
    score = Method.score

    def spy(method: Method, given: Signals, seen: Any) -> Tensor:
        found = score(method, given, seen)
        scores.append((given.layer, found))
        return found

    monkeypatch.setattr(Method, "score", spy)
    prompt = vision_pass.run_vision(model, inputs)
    read = prefill.prefill(model, prompt, wanted=Wanted(), method=part.built, rng=torch.Generator())
    assert [layer for layer, _ in scores] == [1, 2, 3]
    assert [len(row) for _, row in scores] == [len(row) for row in read.is_visual[:3]]
    assert [keys.shape[2] for keys in read.keys] == [len(row) for row in read.is_visual]
    model.text.config._attn_implementation_internal = "eager"
    with torch.inference_mode():
        expected = model.model(**inputs, output_attentions=True, use_cache=False).attentions[1]
    torch.testing.assert_close(scores[0][1], expected[0, :, -1].mean(0))
