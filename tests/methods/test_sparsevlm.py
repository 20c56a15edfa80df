"""SparseVLM by hand: raters on a table of four rows, clusters on a line of six tokens, counts and stages."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from leanvlm.methods._method import n_keep
from leanvlm.methods._signals import MOST_ROWS, Signals, Wanted
from leanvlm.methods.tokens.sparsevlm import Method, cluster, raters, recycling
from tests.methods.fixtures import signals

LINE = torch.tensor([[0.0], [1.0], [2.0], [8.0], [9.0], [24.0]]) / 8  # three tokens, two, and one apart


@pytest.mark.parametrize(
    ("paid", "expected"),
    [
        ([0.2, 0.6, 0.3, 0.5], [False, True, False, True]),
        ([0.25, 0.5, 0.75], [False, True, True]),
        ([0.1, 0.1, 0.1], [True, True, True]),  # a mean of 0.1 that is rounded up
        ([0.0], [True]),
    ],
)
def test_raters_pay_at_least_the_mean(paid: list[float], expected: list[bool]) -> None:
    assert raters(torch.tensor(paid)).tolist() == expected


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


def of_text(n_text: int, *, masked: bool) -> Signals:
    """Let six visual tokens lie after two of text, and `n_text` tokens follow; a mask may hide every third key."""
    lots, n_tokens = torch.Generator().manual_seed(n_text), 8 + n_text
    index = torch.arange(n_tokens)
    hidden = ((index > index[:, None]) | ((index % 3 == 1) & (index != index[:, None])))[None, None] if masked else None
    return Signals(
        keys=torch.randn(1, 2, n_tokens, 5, generator=lots),
        queries=torch.randn(1, 4, n_text, 5, generator=lots),
        sums=None,
        is_visual=(index >= 2) & (index < 8),
        scaling=0.7,
        layer=0,
        n_layers=1,
        generator=torch.Generator(),
        hidden=None if hidden is None else hidden[:, :, -n_text:],
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n_text", [1, 2, 30, MOST_ROWS, MOST_ROWS + 1, 3 * MOST_ROWS - 5])
def test_all_the_text_after_the_pictures_may_rate(n_text: int, masked: bool) -> None:
    """A plain loop over heads, queries and keys; no more rows are computed at once for a long text than for a short."""
    given, method = of_text(n_text, masked=masked), Method(budget=0.5)
    assert method.wants(given.is_visual) == Wanted(rows=n_text)
    rows = [slow_row(given, query) for query in range(n_text)]
    paid = [sum(row[2:8]) for row in rows]
    chosen = [row for row, own in zip(rows, paid, strict=True) if own >= sum(paid) / n_text - 1e-12]
    expected = [sum(row[key] for row in chosen) / len(chosen) for key in range(n_text + 8)]
    assert method.score(given, None).tolist() == pytest.approx(expected, abs=1e-5)
    blocks = list(given.blocks(n_text))
    assert max(block.shape[2] for block in blocks) <= MOST_ROWS
    assert torch.allclose(torch.cat(blocks, 2), given.rows_by_head(n_text))


def slow_row(given: Signals, query: int) -> list[float]:
    """Attend from one query after the pictures, a mean over heads."""
    seen = [key for key in range(query + 9) if given.hidden is None or not given.hidden[0, 0, query, key]]
    mean = [0.0] * given.n_tokens
    for head in range(4):
        own, keys = given.queries[0, head, query].tolist(), given.keys[0, head // 2].tolist()
        powers = [math.exp(0.7 * sum(a * b for a, b in zip(own, keys[key], strict=True))) for key in seen]
        for key, power in zip(seen, powers, strict=True):
            mean[key] += power / sum(powers) / 4
    return mean


def test_nobody_rates_where_there_is_no_picture() -> None:
    assert Method(budget=0.5).wants(torch.zeros(5000, dtype=torch.bool)) == Wanted()


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
    assert recycling(26, 6, most=3) == (7, 1)
    assert places.tolist() == [14, 21, 22, 23, 24, 25]
    assert reduced[:, 0].tolist() == [17.0, 21, 22, 23, 24, 25]


@pytest.mark.parametrize(
    ("n_tokens", "n", "n_recycled", "n_clusters"),
    [
        (20, 4, 6, 1),  # 3 stay as they are, of the 17 others 5 and one more are recycled
        (576, 64, 159, 16),  # 48 stay, of 528 others 158 and one
        (576, 10, 172, 5),  # the code's rule makes 18 clusters or more of so many; half of 10 stay
    ],
)
def test_three_tenths_of_what_does_not_stay_are_recycled(
    n_tokens: int, n: int, n_recycled: int, n_clusters: int
) -> None:
    assert recycling(n_tokens, n, most=n // 2) == (n_recycled, n_clusters)


@pytest.mark.parametrize("n_tokens", [2, 5, 34, 35, 145, 576])
def test_the_counts_are_those_of_the_published_code(n_tokens: int) -> None:
    """The code is told how many stay, and counts clusters on top; what it can reach, the budget reaches alike."""
    reached: dict[int, tuple[int, int]] = {}
    for n_stay in range(n_tokens):
        n_recycled = int((n_tokens - n_stay) * 0.3) + 1
        n_clusters = int(n_recycled / 10) + 1
        if n_stay + n_clusters < n_tokens:
            reached[n_stay + n_clusters] = (n_recycled, n_clusters)  # the last has the fewest clusters
    within = {n: pair for n, pair in reached.items() if pair[1] <= n // 2}
    assert within == {n: recycling(n_tokens, n, most=n // 2) for n in within}
    assert set(within) == set(range(min(within, default=n_tokens), n_tokens))


@pytest.mark.parametrize("seed", range(20))
def test_a_plain_loop_recycles_the_same(seed: int) -> None:
    lots = torch.Generator().manual_seed(seed)
    n_tokens = int(torch.randint(2, 120, (), generator=lots))
    n = int(torch.randint(1, n_tokens + 1, (), generator=lots))
    states, scores = torch.randn(n_tokens, 3, generator=lots), torch.rand(n_tokens, generator=lots)
    scores[: seed % 3] = torch.inf  # as many pictures' best tokens
    n = max(n, seed % 3)
    index, reduced = Method(budget=n / n_tokens).reduce(states, scores, n)
    expected = slowly_reduced(states.tolist(), scores.tolist(), n)
    assert index.tolist() == sorted(expected)
    assert torch.allclose(reduced, torch.tensor([expected[place] for place in sorted(expected)]), atol=1e-5)


def slowly_reduced(states: list[list[float]], scores: list[float], n: int) -> dict[int, list[float]]:
    """Try fewer and fewer tokens that stay, until the clusters of the others fill up the budget."""
    order = sorted(range(len(states)), key=lambda i: (-scores[i], i))
    n_clusters, most = 0, min(n // 2, n - scores.count(math.inf))
    while n < len(states) and n_clusters < most and (len(states) - n + n_clusters) * 3 // 10 + 1 >= 10 * n_clusters:
        n_clusters += 1
    out = {i: states[i] for i in order[: n - n_clusters]}
    if n_clusters:
        n_recycled = (len(states) - n + n_clusters) * 3 // 10 + 1
        recycled = sorted(order[n - n_clusters :][:n_recycled])
        for centre, members in slow_clusters([states[i] for i in recycled], n_clusters).items():
            chosen = [states[recycled[i]] for i in members]
            out[recycled[centre]] = [sum(values) / len(chosen) for values in zip(*chosen, strict=True)]
    return out


def slow_clusters(points: list[list[float]], n: int) -> dict[int, list[int]]:
    """Find density peaks token by token: the members of each centre."""
    gaps = [[math.dist(a, b) / len(a) ** 0.5 for b in points] for a in points]
    nearest = [sorted(row)[: max(2, n)] for row in gaps]
    density = [math.exp(-sum(gap**2 for gap in row) / len(row)) for row in nearest]
    widest = max(max(row) for row in gaps)
    peaks = []
    for i in range(len(points)):
        denser = [gaps[i][j] for j in range(len(points)) if (density[j], -j) > (density[i], -i)]
        peaks.append(density[i] * min(denser, default=widest))
    centres = sorted(range(len(points)), key=lambda i: (-peaks[i], i))[:n]
    members: dict[int, list[int]] = {centre: [centre] for centre in sorted(centres)}
    for i in set(range(len(points))) - set(centres):
        members[min(sorted(centres), key=lambda centre: gaps[i][centre])].append(i)
    return members


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
