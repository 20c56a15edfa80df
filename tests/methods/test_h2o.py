"""H2O on the ten-token fixture, with EffiVLM-Bench's split of nine to one."""

from __future__ import annotations

import pytest
import torch

from leanvlm.methods._method import top
from leanvlm.methods.cache.h2o import Method
from tests.methods.fixtures import heads, signals

KV0 = [5.5356, 2.2831, 1.6374, 1.0885, 0.4837, 8.6000, 0.1856, 0.1140, 0.0576, 0.0145]
KV1 = [5.2946, 3.5625, 1.8709, 1.9310, 0.9819, 0.8179, 0.4581, 4.9438, 0.1075, 0.0318]


def test_column_sums_are_the_published_ones() -> None:
    sums = signals().column_sums()[0] * 2  # the fact sheet adds the two heads of a group
    assert sums[0].tolist() == pytest.approx(KV0, abs=1e-4)
    assert sums[1].tolist() == pytest.approx(KV1, abs=1e-4)


@pytest.mark.parametrize(
    ("budget", "kept"),
    [(0.4, [[0, 1, 5, 9], [0, 1, 7, 9]]), (0.5, [[0, 1, 2, 5, 9], [0, 1, 3, 7, 9]])],
)
def test_kept_positions(budget: float, kept: list[list[int]]) -> None:
    method = Method(budget=budget, recent_share=0.1)
    (n,) = method.allocate([signals()])
    assert top(method.score(signals(), n), n)[0].tolist() == kept


def test_half_of_the_budget_is_recent_as_in_the_paper() -> None:
    assert top(Method(budget=0.4).score(signals(), 4), 4)[0].tolist() == [[0, 5, 8, 9], [0, 7, 8, 9]]


def test_normalised_sums_are_means_over_the_rows_that_see_a_position() -> None:
    weights = heads()[0].tril()
    rows = weights / weights.sum(-1, keepdim=True)
    means = [float(rows[j:, j].mean()) for j in range(9)]
    four = signals(heads()[:1].expand(4, -1, -1))
    scores = Method(budget=0.4, recent_share=0.1, normalize=True).score(four, 4)[0, 0, :9]
    assert scores.tolist() == pytest.approx(means, abs=1e-5)
    assert torch.isfinite(scores).all()
