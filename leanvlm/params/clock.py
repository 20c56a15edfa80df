"""How seconds are measured, and along which axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leanvlm.params._bounds import BenchmarkName, Dollars, Few, Name, Recipes
from leanvlm.recipes import parse
from leanvlm.typed import between


@dataclass(frozen=True)
class Axes:
    """Along which axes, one at a time, some recipes are timed too: where does a method begin to pay?"""

    recipes: Recipes
    batch_sizes: tuple[Annotated[int, between(2, 64)], ...] = ()  # prompts side by side
    new_tokens: tuple[Annotated[int, between(2, 32_768)], ...] = ()
    pictures: tuple[Annotated[int, between(1, 1000)], ...] = ()  # in one prompt
    sides: tuple[Annotated[int, between(8, 10_000)], ...] = ()  # the longer one of a picture [pixels]

    @property
    def texts(self) -> set[str]:
        """The recipes, as canonical texts; those that the grid lacks are not timed."""
        return {parse(text).text for text in self.recipes}


@dataclass(frozen=True)
class Clock:
    """How seconds are measured."""

    benchmark: BenchmarkName
    samples: Few
    new_tokens: Annotated[int, between(2, 32_768)]  # the first is part of the prefill
    processes: Annotated[int, between(1, 100)]  # one after the other; of one, nobody knows what another run would say
    repeats: Few  # in each of them
    threads: Few
    axes: Axes | None = None
    shapes: tuple[Name, ...] = ()  # files of profiles/shapes: models of random weights, which are timed only
    dollars_per_hour: Dollars = 0.0  # of the machine; 0 where nobody says
