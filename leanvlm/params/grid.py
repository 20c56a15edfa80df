"""What is asked: every model x recipe x benchmark is a cell, and so many samples of each benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leanvlm.params._bounds import BenchmarkName, Count, Name, Recipes, Seed
from leanvlm.typed import SOME

Names = Annotated[tuple[Name, ...], SOME]
BenchmarkNames = Annotated[tuple[BenchmarkName, ...], SOME]


@dataclass(frozen=True)
class Grid:
    """What is run: every model x recipe x benchmark is a cell."""

    models: Names
    recipes: Recipes
    benchmarks: BenchmarkNames
    more: tuple[str, ...] = ()  # recipes that a profile adds

    @property
    def chosen(self) -> tuple[str, ...]:
        """All recipes, as they are spelt."""
        return self.recipes + self.more


@dataclass(frozen=True)
class Samples:
    """How many samples of each benchmark, and which draw."""

    n: Count
    seed: Seed
