"""The difference of two recipes over the same questions, or windows of a text, with its interval."""

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
    """Subtract question by question; the interval is of 95 %, by a bootstrap over questions."""
    differences = found[recipe] - found[beside]
    chosen = np.random.default_rng(0).integers(len(differences), size=(2000, len(differences)))
    low, high = np.quantile(differences[chosen].mean(1), [0.025, 0.975])
    return Row(recipe, beside, float(differences.mean()), float(low), float(high))
