"""What recipes cost above the full model, and how that is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leanvlm.benches._paired import compare
from leanvlm.benches.decoder.orders import Checked
from leanvlm.benches.decoder.recipes import Losses
from leanvlm.recipes import FULL


@dataclass(frozen=True)
class Cost:
    """What one recipe's loss is, and how far it is above the full model's on the same tokens, with its interval."""

    acts_on: str
    recipe: str
    nats: float
    difference: float
    low: float
    high: float

    @property
    def line(self) -> str:
        """The row as it is printed."""
        found = f"{self.nats:>7.3f}{np.exp(self.nats):>12.2f}   {_interval(self)}"
        return f"{self.acts_on:<9}{self.recipe:<32}{found}"


def costs(acts_on: str, losses: Losses) -> list[Cost]:
    """Subtract the full model's losses window by window; its own row comes first."""
    rows = [compare(losses, recipe, FULL) for recipe in losses]
    means = [float(losses[row.recipe].mean()) for row in rows]
    return [
        Cost(acts_on, row.recipe, mean, row.difference, row.low, row.high)
        for row, mean in zip(rows, means, strict=True)
    ]


def print_all(rows: Sequence[Cost], orders: Sequence[Checked], failed: Mapping[str, str]) -> None:
    """Print the table, the orders, and what could not be measured."""
    print(f"{'acts on':<9}{'recipe':<32}{'nats':>7}{'perplexity':>12}   nats over the full model (95 %)")
    for row in rows:
        print(row.line)
    for order in orders:
        print(f"{order.verdict:<10}{order.claim}: {_interval(order)}, {order.source}")
    for recipe, reason in failed.items():
        print(f"failed    {recipe}: {reason}")


def _interval(found: Cost | Checked) -> str:
    return f"{found.difference:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
