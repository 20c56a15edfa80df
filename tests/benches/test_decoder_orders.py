"""An order is kept, broken or undecided by where the interval of a difference lies."""

from __future__ import annotations

import numpy as np
import pytest

from leanvlm.benches.decoder import __main__ as decoder
from leanvlm.benches.decoder.orders import ORDERS, Order, check

NOISE = np.random.default_rng(1).normal(size=40)
LOSSES = {"low": 2.0 + 0.01 * NOISE, "high": 3.0 - 0.01 * NOISE, "noisy": 2.0001 + 0.01 * NOISE[::-1]}


@pytest.mark.parametrize(
    ("order", "verdict"),
    [
        (Order("low", "high", "s"), "kept"),
        (Order("high", "low", "s"), "broken"),
        (Order("high", "low", "s", may_tie=True), "broken"),
        (Order("low", "noisy", "s"), "undecided"),
        (Order("low", "noisy", "s", may_tie=True), "kept"),
    ],
)
def test_the_interval_decides(order: Order, verdict: str) -> None:
    [found] = check(LOSSES, [order])
    assert found.verdict == verdict
    assert found.low <= found.difference <= found.high


def test_differences_are_paired() -> None:
    """What both recipes share, such as hard windows, cancels out."""
    hard = 100 * NOISE
    [found] = check({"a": hard, "b": hard + 1}, [Order("a", "b", "s")])
    assert (found.low, found.high) == pytest.approx((-1, -1))


def test_orders_of_what_was_not_measured_are_left_out() -> None:
    assert check(LOSSES, [Order("low", "other", "s")]) == []


def test_every_order_is_of_recipes_that_are_measured() -> None:
    assert {recipe for order in ORDERS for recipe in (order.less, order.more)} <= {*decoder.WEIGHTS, *decoder.CACHE}
