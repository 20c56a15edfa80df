"""What is made of the answers: error bars, the ablation, and what the report shows beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leanvlm.params._bounds import Count, Few, Name, Recipes, Seed
from leanvlm.typed import SOME_KEYS, Rule, between

TWO_LEVELS = Rule(lambda levels: len(set(levels)) == len(levels) > 1, "two levels or more, each once")
Levels = Annotated[tuple[Few, ...], TWO_LEVELS]


@dataclass(frozen=True)
class Tally:
    """How error bars are made."""

    resamples: Count
    seed: Seed


@dataclass(frozen=True)
class Ablation:
    """Which knobs of the drawn benchmarks `make ablate` turns, easy to hard, and what it asks."""

    n: Count
    recipes: Recipes
    knobs: Annotated[dict[Name, Annotated[dict[Name, Levels], SOME_KEYS]], SOME_KEYS]


@dataclass(frozen=True)
class Report:
    """What the report shows beside the numbers."""

    flips: Annotated[int, between(0, 200)]  # more would not fit on a page that opens offline
    seed: Seed = 0  # of the draw of flips
