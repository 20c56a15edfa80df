"""Cross-Self Pruning on two rows worked by hand, and by a plain loop on modalities and attention drawn by lot."""

from __future__ import annotations

import math
import random

import pytest
import torch
from torch import Tensor

from leanvlm.methods._method import top
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods.cache.csp import Method
from tests.methods.fixtures import signals

NOTHING = 1e-30  # the weight of what the example leaves out: the observed rows' own positions
ROWS = ((1, 2, 4, 3, 1, 9), (2, 1, 1, 6, 2, 4))
VISUAL = (1, 2, 3)


def example() -> Signals:
    """Six past keys, of which three are visual, and the rows of two text tokens behind them."""
    weights = torch.full((4, 8, 8), NOTHING, dtype=torch.float64)
    weights[:, 6:, :6] = torch.tensor(ROWS, dtype=torch.float64)
    return signals(weights, visual=VISUAL)


def method(cross_share: float) -> Method:
    return Method(budget=0.75, recent_share=1 / 3, cross_share=cross_share)


@pytest.mark.parametrize(
    ("cross_share", "kept"),
    [(0.5, [0, 2, 3, 5, 6, 7]), (0.25, [0, 3, 4, 5, 6, 7]), (1.0, [1, 2, 3, 5, 6, 7]), (0.0, [0, 3, 4, 5, 6, 7])],
)
def test_kept_positions(cross_share: float, kept: list[int]) -> None:
    """Half each: 3 and 2 by cross, 5 and 0 by self, which 4 ties. Of four crossing ones there are but three."""
    assert top(method(cross_share).score(example(), 6), 6)[0].tolist() == [kept, kept]


def test_one_more_in_the_denominator() -> None:
    """Of 20 and 16 the rows make 21 and 17; what the rows' own positions weigh is nothing."""
    rows = method(0.5)._rows(example(), 2)[0, 0, :, :6]
    expected = [0.16527, 0.15406, 0.24930, 0.49580, 0.16527, 0.66387]
    assert rows.sum(0).tolist() == pytest.approx(expected, abs=1e-5)
    assert rows[0].tolist() == pytest.approx([weight / 21 for weight in ROWS[0]])


def test_large_logits_do_not_overflow() -> None:
    rows = method(0.5)._rows(signals(torch.full((4, 8, 8), 1e35, dtype=torch.float64)), 2)
    assert rows[0, 0, 1].tolist() == pytest.approx([1 / 8] * 8)


def test_at_most_64_rows_look_back() -> None:
    assert Method(budget=0.1).wants(torch.zeros(400, dtype=torch.bool)) == Wanted(rows=20)
    assert Method(budget=1.0).wants(torch.zeros(400, dtype=torch.bool)) == Wanted(rows=64)


def drawn(lots: random.Random) -> tuple[Tensor, tuple[int, ...]]:
    """Draw weights, and which positions are visual, the observed ones too."""
    n_tokens = lots.randint(3, 24)
    table = [[lots.choice((1, 20)) * lots.uniform(1, 2) for _ in range(n_tokens)] for _ in range(n_tokens)]
    weights = torch.tensor([table] * 4, dtype=torch.float64)
    return weights, tuple(i for i in range(n_tokens) if lots.random() < lots.choice((0.0, 0.4, 0.9)))


@pytest.mark.parametrize("seed", range(40))
def test_a_plain_loop_keeps_the_same(seed: int) -> None:
    lots = random.Random(seed)
    weights, visual = drawn(lots)
    n_tokens = weights.shape[-1]
    n = lots.randint(1, n_tokens)
    own = Method(budget=n / n_tokens, recent_share=lots.choice((0.2, 0.5)), cross_share=lots.choice((0.0, 0.1, 0.5)))
    kept = top(own.score(signals(weights, visual=visual), n), n)[0]
    assert kept[0].tolist() == slow(weights[0].tolist(), set(visual), n, own)


def slow(weights: list[list[float]], visual: set[int], n: int, own: Method) -> list[int]:
    """Take positions one by one, in float64."""
    n_tokens = len(weights)
    recent = max(1, math.floor(n * own.recent_share + 1e-9))
    rows, past = range(n_tokens - recent, n_tokens), range(n_tokens - recent)
    received: dict[bool, dict[int, float]] = {False: {}, True: {}}  # by whether it crosses modalities
    for row in rows:
        total = 1 + sum(weights[row][: row + 1])
        for key in past:
            is_cross = (row in visual) != (key in visual)
            received[is_cross][key] = received[is_cross].get(key, 0.0) + weights[row][key] / total
    wanted = n - recent
    n_cross = min(math.floor(wanted * own.cross_share + 1e-9), len(received[True]))
    n_self = min(wanted - n_cross, len(received[False]))
    by_self = ranked(received[False])[:n_self]
    by_cross = [key for key in ranked(received[True]) if key not in by_self][: wanted - n_self]
    return sorted([*by_self, *by_cross, *rows])


def ranked(received: dict[int, float]) -> list[int]:
    return sorted(received, key=lambda key: -received[key])


@pytest.mark.parametrize("n", range(2, 20))
def test_without_a_cross_quota_pictures_stay_only_where_text_runs_out(n: int) -> None:
    visual = tuple(range(3, 15))  # the observed rows are text
    scores = Method(budget=n / 20, recent_share=0.2, cross_share=0.0).score(
        signals(torch.rand(4, 20, 20, generator=torch.Generator().manual_seed(n)).double() + 0.1, visual=visual), n
    )
    recent = max(1, n // 5)
    text = 20 - len(visual) - recent
    for kept in top(scores, n)[0].tolist():
        assert sum(position in visual for position in kept) == max(0, n - recent - text)
