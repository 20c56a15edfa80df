"""Orders of methods that the literature is sure of: a fault that tiny models hide breaks one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leanvlm.benches._paired import Row, compare


@dataclass(frozen=True)
class Order:
    """One recipe loses less than another, or, where `may_tie`, no more."""

    less: str
    more: str
    source: str
    may_tie: bool = False

    @property
    def claim(self) -> str:
        """The order as it is printed."""
        return f"{self.less} {'<=' if self.may_tie else '<'} {self.more}"


@dataclass(frozen=True)
class Checked:
    """An order beside what was measured: the mean loss of `less` minus that of `more`, with its interval."""

    claim: str
    source: str
    difference: float
    low: float
    high: float
    verdict: str


RANDOM, SINKLESS = "controls/random_cache@10%", "cache/streaming@10%:sinks=0"
ORDERS = (
    Order("weights/wanda@50%", "weights/magnitude@50%", "arXiv 2306.11695"),
    Order("weights/sparsegpt@50%", "weights/wanda@50%", "arXiv 2306.11695", may_tie=True),
    Order("weights/wanda@50%", "weights/wanda@2:4", "arXiv 2306.11695"),
    Order("weights/gptq@w4a16-g64", "weights/rtn@w4a16-g64", "arXiv 2210.17323"),
    Order("weights/awq@w4a16-g64", "weights/rtn@w4a16-g64", "arXiv 2306.00978"),
    Order("weights/rtn@w8a8", "weights/rtn@w4a16-g64", "arXiv 2210.17323"),
    Order("cache/streaming@10%", SINKLESS, "arXiv 2309.17453"),
    Order(SINKLESS, RANDOM, "a control", may_tie=True),
    Order("cache/streaming@10%", RANDOM, "a control"),
    Order("cache/h2o@10%", RANDOM, "a control"),
    Order("cache/snapkv@10%", RANDOM, "a control"),
    Order("cache/pyramidkv@10%", RANDOM, "a control"),
    Order("cache/csp@10%", RANDOM, "a control"),
    Order("cache/adakv@10%", RANDOM, "a control"),
    Order("cache/kvzip@10%", RANDOM, "a control"),
    Order("cache/kivi@4bit", "cache/kivi@2bit", "arXiv 2402.02750"),
)


def verdict(order: Order, found: Row) -> str:
    """Say whether an order is kept: on which side of 0 the interval lies, which may be both."""
    if found.low > 0:
        return "broken"
    return "kept" if found.high < 0 or order.may_tie else "undecided"


def check(losses: Mapping[str, np.ndarray], orders: Sequence[Order] = ORDERS) -> list[Checked]:
    """Compare, window by window, the recipes of every order of which both are measured."""
    known = [order for order in orders if order.less in losses and order.more in losses]
    rows = [compare(dict(losses), order.less, order.more) for order in known]
    return [
        Checked(order.claim, order.source, row.difference, row.low, row.high, verdict(order, row))
        for order, row in zip(known, rows, strict=True)
    ]
