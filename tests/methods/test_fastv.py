"""FastV on eight tokens, of which 2 to 6 are visual."""

from __future__ import annotations

import pytest
import torch

from leanvlm.errors import InputError
from leanvlm.methods._method import n_keep, top
from leanvlm.methods._signals import Signals
from leanvlm.methods.tokens.fastv import Method
from tests.methods.fixtures import heads, signals

LAST_ROW = [0.08980, 0.11782, 0.16236, 0.19037, 0.11422]
MEAN_OF_ROWS = [0.13677, 0.11631, 0.07718, 0.05766, 0.03319]


def below() -> Signals:
    two = heads(tokens=8, boosts=())[:2]
    return signals(torch.cat([two, two]), visual=(2, 3, 4, 5, 6))


@pytest.mark.parametrize(
    ("rows", "budget", "expected", "kept"),
    [
        ("last", 0.4, LAST_ROW, [4, 5]),
        ("last", 0.6, LAST_ROW, [3, 4, 5]),
        ("text", 0.4, LAST_ROW, [4, 5]),  # one token follows the picture
        ("all", 0.4, MEAN_OF_ROWS, [2, 3]),
        ("all", 0.6, MEAN_OF_ROWS, [2, 3, 4]),
    ],
)
def test_kept_positions(rows: str, budget: float, expected: list[float], kept: list[int]) -> None:
    score = Method(budget=budget, rows=rows).score(below(), None)[2:7]
    assert score.tolist() == pytest.approx(expected, abs=1e-5)
    assert (top(score, n_keep(5, budget)) + 2).tolist() == kept


def test_the_vision_tower_protects_its_sinks() -> None:
    seen = torch.tensor([0.9, 0.0, 0.0, 0.0, 0.1])
    score = Method(budget=0.4, sinks=0.5).score(below(), seen)[2:7]
    assert (top(score, 2) + 2).tolist() == [2, 5]


def test_unknown_rows_are_refused() -> None:
    with pytest.raises(InputError, match="it has last, text, all"):
        Method(budget=0.1, rows="first")
