"""SparseVLM by hand: raters on a table of four rows, clusters on a line of six tokens, counts and stages."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from leanvlm.methods._method import n_keep
from leanvlm.methods.tokens.sparsevlm import Method, cluster, raters, recycling
from tests.methods.fixtures import signals

LINE = torch.tensor([[0.0], [1.0], [2.0], [8.0], [9.0], [24.0]]) / 8  # three tokens, two, and one apart


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.1, 0.1], [0.4, 0.2], [0.3, 0.0], [0.0, 0.5]], [False, True, False, True]),  # paid .2 .6 .3 .5, mean .4
        ([[0.2, 0.1], [0.1, 0.2], [0.0, 0.3]], [True, True, True]),
        ([[0.1], [0.1], [0.1]], [True, True, True]),
        ([[0.0, 0.0]], [True]),
    ],
)
def test_raters_pay_at_least_the_mean(rows: list[list[float]], expected: list[bool]) -> None:
    assert raters(torch.tensor(rows)).tolist() == expected


def attention() -> Tensor:
    """Return one table for all four heads; rows 4 to 6 are text after the pictures and pay .4, .9 and .1."""
    table = torch.full((7, 7), 1e-6, dtype=torch.float64)
    table[4, [0, 1, 2, 3]] = torch.tensor([0.6, 0.1, 0.1, 0.2], dtype=torch.float64)
    table[5, [0, 1, 2, 3]] = torch.tensor([0.1, 0.6, 0.2, 0.1], dtype=torch.float64)
    table[6, [0, 1, 2, 3]] = torch.tensor([0.9, 0.0001, 0.0, 0.0999], dtype=torch.float64) + 1e-9
    return table.expand(4, 7, 7)


def test_only_raters_rank() -> None:
    scores = Method(budget=0.5).score(signals(attention(), visual=(1, 2, 3)), None)[1:4]
    assert scores.tolist() == pytest.approx([0.6, 0.2, 0.1], abs=1e-4)  # row 5's; the mean paid is .47


def test_equal_raters_are_averaged() -> None:
    table = attention().clone()
    table[:, 4, :4] = torch.tensor([0.1, 0.1, 0.5, 0.3], dtype=torch.float64)
    scores = Method(budget=0.5).score(signals(table, visual=(1, 2, 3)), None)[1:4]
    assert scores.tolist() == pytest.approx([0.35, 0.35, 0.2], abs=1e-4)


@pytest.mark.parametrize(
    ("n", "centres", "means"),
    [
        (1, [0], [44 / 48]),  # each token but the last has a neighbour as near: the first is the densest
        (2, [0, 3], [1 / 8, 41 / 24]),
        (3, [1, 3, 5], [1 / 8, 8.5 / 8, 3.0]),  # with three neighbours the middle of three is the densest
    ],
)
def test_clusters_by_hand(n: int, centres: list[int], means: list[float]) -> None:
    found, values = cluster(LINE, n)
    assert found.tolist() == centres
    assert values[:, 0].tolist() == pytest.approx(means)


def test_equal_tokens_make_clusters_by_position() -> None:
    centres, means = cluster(torch.ones(4, 3), 2)
    assert centres.tolist() == [0, 1]
    assert torch.equal(means, torch.ones(2, 3))


def test_densities_of_huge_states_still_differ() -> None:
    centres, _ = cluster(LINE.flip(0) * 1e4, 3)
    assert centres.tolist() == [3, 4, 5]


def test_the_best_stay_and_the_best_of_the_others_are_recycled() -> None:
    """Of 26 tokens 6 are left: 5 as they are, and the next 7 in one cluster; the other 14 are gone."""
    states = torch.arange(26.0)[:, None] * torch.ones(2)
    places, reduced = Method(budget=0.2).reduce(states, torch.arange(26.0), 6)
    assert recycling(20, 6) == (7, 1)
    assert places.tolist() == [14, 21, 22, 23, 24, 25]
    assert reduced[:, 0].tolist() == [17.0, 21, 22, 23, 24, 25]


def test_nothing_dropped_is_nothing_recycled() -> None:
    states = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
    places, reduced = Method(budget=1.0).reduce(states, torch.zeros(9), 9)
    assert places.tolist() == list(range(9))
    assert torch.equal(reduced, states)


@pytest.mark.parametrize("n_visual", [1, 2, 3, 7, 40, 577])
@pytest.mark.parametrize("budget", [0.01, 0.1, 0.4, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("n_layers", [2, 4, 8, 32])
def test_every_stage_leaves_its_share(n_visual: int, budget: float, n_layers: int) -> None:
    method, lots = Method(budget=budget), torch.Generator().manual_seed(n_visual)
    states, left = torch.randn(n_visual, 4, generator=lots), torch.arange(n_visual)
    for share in method.stages(n_layers).values():
        n = n_keep(n_visual, share)
        places, states = method.reduce(states, torch.rand(len(states), generator=lots), n)
        left = left[places]
        assert states.shape == (n, 4)
        assert (left.diff() > 0).all()
    assert len(left) == n_keep(n_visual, budget)


@pytest.mark.parametrize(
    ("n_layers", "layers"), [(2, [1]), (4, [1, 2]), (8, [1, 2, 4]), (28, [2, 6, 14]), (32, [3, 7, 16])]
)
def test_stages_lie_above_their_judges(n_layers: int, layers: list[int]) -> None:
    stages = Method(budget=0.125).stages(n_layers)
    assert list(stages) == layers
    assert list(stages.values()) == pytest.approx([0.5, 0.25, 0.125][-len(layers) :])
    assert list(stages.values())[-1] == 0.125
