"""PyramidKV on the ten-token fixture over four layers, and its sums over many."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from leanvlm.methods._method import n_keep, top
from leanvlm.methods.cache.pyramidkv import Method
from tests.methods.fixtures import signals

KEPT = [
    [[2, 3, 4, 5, 6, 7, 9], [3, 4, 5, 6, 7, 8, 9]],
    [[3, 5, 6, 7, 9], [5, 6, 7, 8, 9]],
    [[5, 6, 9], [5, 6, 9]],
    [[9], [9]],
]


def layers(n_layers: int, n_tokens: int) -> Any:
    return [SimpleNamespace(n_tokens=n_tokens) for _ in range(n_layers)]


def test_kept_positions() -> None:
    method = Method(budget=0.4, window_share=0.1)
    four = [signals(layer=layer) for layer in range(4)]
    counts = method.allocate(four)
    assert counts == [7, 5, 3, 1]
    for given, n, kept in zip(four, counts, KEPT, strict=True):
        assert top(method.score(given, n), n)[0].tolist() == kept


@pytest.mark.parametrize("budget", [0.01, 0.05, 0.1, 0.4, 0.55, 0.8, 1.0])
@pytest.mark.parametrize("n_tokens", [30, 100, 1000, 7000])
def test_the_sum_over_layers_is_exact_and_falls(budget: float, n_tokens: int) -> None:
    counts = Method(budget=budget).allocate(layers(28, n_tokens))
    assert sum(counts) == 28 * n_keep(n_tokens, budget)
    assert counts == sorted(counts, reverse=True)
    assert 1 <= counts[-1] <= counts[0] <= n_tokens


def test_the_code_s_own_numbers_within_its_rounding() -> None:
    """A thousand tokens at 10 %: the code gives 186 to 24 with steps of 6, 5 % over the budget."""
    counts = Method(budget=0.1, window_share=0.1).allocate(layers(28, 1000))
    assert abs(counts[0] - 186) <= 1
    assert sum(counts) == 2800


def test_the_hybrid_gives_every_layer_its_even_part() -> None:
    counts = Method(budget=0.1, uniform=0.8).allocate(layers(28, 1000))
    assert sum(counts) == 2800
    assert min(counts) >= 80
