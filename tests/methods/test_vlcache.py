"""VL-Cache on two layers of ten tokens: the fixture, and one whose attention rests on a single position."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from leanvlm.methods._cache import apportion
from leanvlm.methods._method import n_keep, top
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods.cache.vlcache import Method
from tests.methods.fixtures import signals

VISUAL = (2, 3, 4, 5, 6)  # three tokens follow


def two_layers() -> list[Signals]:
    resting = torch.ones(4, 10, 10, dtype=torch.float64)
    resting[:, :, 5] = 1000
    return [signals(layer=0, n_layers=2, visual=VISUAL), signals(resting, layer=1, n_layers=2, visual=VISUAL)]


def test_what_is_exactly_one_percent_is_counted() -> None:
    """Of 27 entries the heads count 22, 18, 21 and 19; without the four of 3 in 300, sparsity would be 0.296296."""
    first, second = two_layers()
    method = Method(budget=0.4)
    assert method.wants(first.is_visual) == Wanted(rows=3)
    assert 1 - method._density(first) == pytest.approx(1 - 20 / 27, abs=1e-6)
    assert 1 - method._density(second) == pytest.approx(0.888889, abs=1e-6)


def test_the_published_shares_add_up_exactly() -> None:
    """The paper's rule gives 0.695652 and 0.104348 of ten positions each: 7.0 and 1.0."""
    assert Method(budget=0.4).allocate(two_layers()) == [7, 1]
    assert Method(budget=0.4, uniform=1.0).allocate(two_layers()) == [4, 4]


@pytest.mark.parametrize(("shared", "kept"), [(True, [[0, 2, 4, 5, 6, 7, 9]] * 2),
                                              (False, [[0, 2, 4, 5, 6, 7, 9], [0, 1, 2, 4, 6, 7, 9]])])  # fmt: skip
def test_kept_positions(shared: bool, kept: list[list[int]]) -> None:
    first = two_layers()[0]
    scores = Method(budget=0.4).score(first, 7)
    if shared:
        scores = scores.mean(1, keepdim=True).expand_as(scores)
    assert top(scores, 7)[0].tolist() == kept


@pytest.mark.parametrize("total", [3, 7, 20, 29, 30])
def test_what_a_bound_takes_or_gives_is_shared_out_anew(total: int) -> None:
    counts = apportion([1000.0, 1.0, 0.001], total, least=[1, 1, 1], most=[10, 10, 10])
    assert sum(counts) == total
    assert all(1 <= count <= 10 for count in counts)
    assert counts == sorted(counts, reverse=True)


def test_a_full_budget_keeps_all() -> None:
    assert apportion([5.0, 1.0], 14, least=[1, 1], most=[10, 4]) == [10, 4]


def of_density(n_tokens: int, density: float) -> Signals:
    """Let one row, that of the last token, look at the first tokens alike and at the others a thousand times less."""
    logits = torch.zeros(n_tokens)
    logits[round(n_tokens * density) :] = -7
    is_visual = torch.arange(n_tokens) == n_tokens - 2
    return Signals(logits[None, None, :, None], torch.ones(1, 1, 1, 1), None, is_visual, 1.0, 0, 1, torch.Generator())


@pytest.mark.parametrize(
    ("n_tokens", "budget", "densities", "expected"),
    [
        (300, 0.01, (1, 0.1), [3, 3]),
        (1000, 0.01, (0.5, 0.3, 0.1, 0.02), [10, 10, 10, 10]),
        (1000, 0.05, (0.9, 0.02), [90, 10]),  # the second layer's share would be 2
        (1000, 0.05, (0.6, 0.3, 0.01), [93, 47, 10]),  # what the third layer lacks comes from both others
        (1000, 0.005, (0.9, 0.1), [5, 5]),  # a minimum of 1 % would be twice the budget
    ],
)
def test_every_layer_keeps_one_percent_of_its_positions(
    n_tokens: int, budget: float, densities: Sequence[float], expected: list[int]
) -> None:
    layers = [of_density(n_tokens, density) for density in densities]
    assert [Method(budget=budget)._density(layer) for layer in layers] == pytest.approx(densities)
    assert Method(budget=budget).allocate(layers) == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_plain_loop_counts_the_same_densities(seed: int) -> None:
    """Whole weights, of which many are exactly 1 % of their row's highest."""
    lots = random.Random(seed)
    n_tokens = lots.randint(4, 40)
    last_visual = lots.randrange(n_tokens)
    weights = torch.tensor(
        [[lots.choices((1, 2, 3, 60, 100, 200, 300), k=n_tokens) for _ in range(n_tokens)] for _ in range(4)]
    )
    found = Method(budget=0.5)._density(signals(weights.double(), visual=(last_visual,)))
    assert found == pytest.approx(slow_density(weights, last_visual), abs=1e-6)


def slow_density(weights: Tensor, last_visual: int) -> float:
    """Count by whole numbers, query by query."""
    n_tokens, counted, seen = weights.shape[-1], 0, 0
    for head in weights.tolist():
        for query in range(min(last_visual + 1, n_tokens - 1), n_tokens):
            row = head[query][: query + 1]
            counted += sum(100 * weight >= max(row) for weight in row)
            seen += len(row)
    return counted / seen


@pytest.mark.parametrize("seed", range(40))
def test_an_exact_filling_up_keeps_the_same_counts(seed: int) -> None:
    lots = random.Random(seed)
    budget = lots.choice((0.003, 0.01, 0.02, 0.05, 0.1, 0.4, 0.9))
    sizes = [lots.choice((90, 200, 500)) for _ in range(lots.randint(1, 7))]
    layers = [of_density(n, lots.uniform(0.5, 1) if lots.random() < 0.5 else lots.uniform(0.02, 0.05)) for n in sizes]
    uniform = lots.choice((0.0, 0.0, 0.8))
    method = Method(budget=budget, uniform=uniform)
    weights = [Fraction(method._density(layer)) for layer in layers]
    mixed = [Fraction(uniform) / len(sizes) + (1 - Fraction(uniform)) * weight / sum(weights) for weight in weights]
    counts = method.allocate(layers)
    assert counts == filled(mixed, sizes, budget)
    assert sum(counts) == sum(n_keep(n, budget) for n in sizes)


def filled(weights: list[Fraction], sizes: list[int], budget: float) -> list[int]:
    """Raise all layers in proportion to their weights, from bound to bound, until the budget is used up."""
    least = [max(1, int(n * min(budget, 0.01) + 1e-9)) for n in sizes]
    left = Fraction(sum(max(1, int(n * budget + 1e-9)) for n in sizes) - sum(least))
    level, shares = Fraction(0), [Fraction(n) for n in least]
    bounds = sorted({bound / w for w, low, n in zip(weights, least, sizes, strict=True) for bound in (low, n)})
    for bound in bounds:
        rising = [i for i, w in enumerate(weights) if least[i] <= level * w < sizes[i]]
        speed = sum((weights[i] for i in rising), Fraction(0))
        rise = min(bound - level, left / speed) if speed else bound - level
        for i in rising:
            shares[i] += rise * weights[i]
        left -= rise * speed
        level += rise
        if not left:
            break
    counts = [int(share) for share in shares]
    order = sorted(range(len(sizes)), key=lambda i: (counts[i] - shares[i], i))
    for i in order[: sum(max(1, int(n * budget + 1e-9)) for n in sizes) - sum(counts)]:
        counts[i] += 1
    return counts
