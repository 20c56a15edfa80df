"""FastV on eight tokens, of which 2 to 6 are visual."""

from __future__ import annotations

import pytest
import torch

from leanvlm.methods._method import n_keep, top
from leanvlm.methods.tokens.fastv import Method
from tests.methods.fixtures import heads


@pytest.mark.parametrize(("budget", "kept"), [(0.4, [4, 5]), (0.6, [3, 4, 5])])
def test_kept_positions(budget: float, kept: list[int]) -> None:
    last = heads(tokens=8, boosts=())[:2, -1]
    row = last / last.sum(-1, keepdim=True)
    is_visual = torch.tensor([j in range(2, 7) for j in range(8)])
    score = Method(budget=budget).score(row, is_visual)[is_visual]
    assert score.tolist() == pytest.approx([0.08980, 0.11782, 0.16236, 0.19037, 0.11422], abs=1e-5)
    assert (top(score, n_keep(5, budget)) + 2).tolist() == kept
