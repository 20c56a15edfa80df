"""Map numbers to pixels and choose round ticks for an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A straight scale: `low` lies at pixel `start`, `high` at pixel `end`; start > end turns it round."""

    low: float
    high: float
    start: float  # [pixels]
    end: float  # [pixels]

    def at(self, value: float) -> float:
        """Return where a value lies [pixels]."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, *, n: int = 6) -> list[float]:
        """Return about `n` round values inside the axis."""
        step = _round_step((self.high - self.low) / n)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 10) for index in range(first, last + 1)]


def around(values: Sequence[float], *, start: float, end: float) -> Axis:
    """Make an axis that holds all values with 6 % of air on either side."""
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or 0.05
    return Axis(low - air, high + air, start, end)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
