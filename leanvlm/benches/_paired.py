"""Means over questions, or windows of a text, and differences of two recipes' means, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """The difference of two recipes' means."""

    recipe: str
    beside: str
    difference: float
    low: float
    high: float

    @property
    def line(self) -> str:
        """The row as it is printed."""
        interval = f"{self.difference:+.4f} ({self.low:+.4f} to {self.high:+.4f})"
        return f"{self.recipe:<26} less {self.beside:<26}{interval}"


def compare(found: dict[str, np.ndarray], recipe: str, beside: str) -> Row:
    """Subtract question by question."""
    low, difference, high = interval(found[recipe] - found[beside])
    return Row(recipe, beside, difference, low, high)


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean between the ends of its interval of 95 %, by a bootstrap."""
    low, high = np.quantile(resampled(values).mean(1), [0.025, 0.975])
    return float(low), float(values.mean()), float(high)


def resampled(values: np.ndarray) -> np.ndarray:
    """Draw as many values again, with repetition, the same ones each time. Shapes: (n, ...) -> (2000, n, ...)."""
    drawn: np.ndarray = values[np.random.default_rng(0).integers(len(values), size=(2000, len(values)))]
    return drawn
