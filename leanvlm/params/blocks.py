"""What params.yaml says: one block per stage, the grid's chosen recipes, and the checkpoints that they need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from leanvlm import files, plugins
from leanvlm.errors import InputError
from leanvlm.params._typed import AtLeast, build
from leanvlm.recipes import Recipe, parse, slug

if TYPE_CHECKING:
    from leanvlm.benchmarks._benchmark import Benchmark

PROFILES = ("default", "all")

Natural = Annotated[int, AtLeast(0)]
Positive = Annotated[int, AtLeast(1)]


@dataclass(frozen=True)
class Grid:
    """What is run: every model x recipe x benchmark is a cell."""

    models: tuple[str, ...]
    recipes: tuple[str, ...]
    benchmarks: tuple[str, ...]
    profile: str = "default"
    more: tuple[str, ...] = ()  # recipes that the profile "all" adds

    @property
    def chosen(self) -> tuple[str, ...]:
        """The profile's recipes, as they are spelt."""
        return self.recipes + (self.more if self.profile == "all" else ())


@dataclass(frozen=True)
class Checkpoint:
    """One model: the adapter of its architecture and where its checkpoint lies."""

    architecture: str
    checkpoint: str


@dataclass(frozen=True)
class Count:
    """How many rows, and which draw."""

    n: Positive
    seed: Natural


@dataclass(frozen=True)
class Calibration:
    """How many training questions weights methods look at, which draw, and of which benchmarks, in turn."""

    n: Positive
    seed: Natural
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Answering:
    """How answers are made."""

    max_new_tokens: Positive
    dtype: str
    device: str
    workers: Positive
    rows: Positive
    keep_unused_cells: Natural


@dataclass(frozen=True)
class Clock:
    """How seconds are measured."""

    benchmark: str
    samples: Positive
    new_tokens: Annotated[int, AtLeast(2)]  # the first is part of the prefill
    repeats: Positive
    threads: Positive


@dataclass(frozen=True)
class Tally:
    """How error bars are made."""

    resamples: Positive
    seed: Natural


@dataclass(frozen=True)
class Ablation:
    """Which knobs of the drawn benchmarks `make ablate` turns, easy to hard, and what it asks."""

    n: Positive
    recipes: tuple[str, ...]
    knobs: dict[str, dict[str, tuple[Positive, ...]]]


@dataclass(frozen=True)
class Report:
    """What the report shows beside the numbers."""

    flips: Natural
    seed: Natural = 0  # of the draw of flips


@dataclass(frozen=True)
class Train:
    """How the embedded model was trained: minutes of each lesson on two busy cores."""

    seed: Natural
    tower_minutes: float
    finding_minutes: float
    decoder_minutes: float
    projector_minutes: float
    together_minutes: float
    relating_minutes: float
    last_minutes: float


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml, one block per stage."""

    grid: Grid
    models: dict[str, Checkpoint]
    weights: dict[str, str]
    benchmarks: dict[str, dict[str, Any]]  # options by benchmark
    samples: Count
    calibration: Calibration
    answer: Answering
    clock: Clock
    tally: Tally
    ablation: Ablation
    report: Report
    train: Train

    def benchmark(self, name: str) -> Benchmark:
        """Build a benchmark with its options.

        Raises: InputError for a name without a file, an option that it lacks, or one of another type.
        """
        built: Benchmark = build(plugins.load("benchmarks", name), self.benchmarks.get(name, {}), f"benchmarks.{name}")
        return built

    def folder(self, model: str, recipe: Recipe) -> Path:
        """Say where the weights lie that a recipe runs on."""
        text = weights_text(recipe)
        return files.checkpoint(model, slug(text)) if text else Path(self.models[model].checkpoint)

    @property
    def needed_checkpoints(self) -> dict[str, str]:
        """What stands under `weights:` for the chosen recipes: the methods of one checkpoint each, by its slug.

        Raises: InputError where two have the same slug, as 2:4 and 2.4% do.
        """
        found: dict[str, str] = {}
        for text in sorted({weights_text(parse(text)) for text in self.grid.chosen} - {""}):
            if slug(text) in found:
                raise InputError(f"{found[slug(text)]!r} and {text!r} would share the file name {slug(text)}; "
                                 "take one of them out of params.yaml")  # fmt: skip
            found[slug(text)] = text
        return found


def weights_text(recipe: Recipe) -> str:
    """Spell the methods of a recipe that act on the weights; nothing if there are none."""
    return "+".join(part.text for part in recipe.parts if part.built.acts_on == "weights")
