"""What params.yaml says: its blocks, where weights lie, and the checkpoints that the chosen recipes need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params._bounds import BenchmarkName, Name
from leanvlm.params.answering import Answering
from leanvlm.params.clock import Clock
from leanvlm.params.grid import Grid, Samples
from leanvlm.params.judges import Judge, LocalJudge
from leanvlm.params.machines import Cluster, ObjectStore
from leanvlm.params.models import Calibration, Checkpoint, Compressing, Train
from leanvlm.params.results import Ablation, Report, Tally
from leanvlm.recipes import Recipe, parse, slug
from leanvlm.typed import SOME_KEYS

if TYPE_CHECKING:
    from leanvlm.benchmarks._benchmark import Benchmark


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml, one block per stage."""

    grid: Grid
    models: Annotated[dict[Name, Checkpoint], SOME_KEYS]
    benchmarks: dict[BenchmarkName, dict[Name, Any]]  # options by benchmark
    samples: Samples
    calibration: Calibration
    compress: Compressing
    answer: Answering
    storage: ObjectStore | None
    judge: Judge | LocalJudge | None
    clock: Clock
    tally: Tally
    ablation: Ablation
    report: Report
    train: Train
    cluster: Cluster | None = None

    def benchmark(self, name: str) -> Benchmark:
        """Build a benchmark with its options.

        Raises: InputError for a name without a file, an option that it lacks, or one of another type.
        """
        from leanvlm.benchmarks._named import named

        return named(name, self.benchmarks.get(name, {}))

    def folder(self, model: str, recipe: Recipe) -> Path:
        """Say where the weights lie that a recipe runs on."""
        text = weights_text(recipe)
        return files.checkpoint(model, slug(text)) if text else self.source(model)

    def dtype(self, model: str) -> str:
        """Say in which dtype a model is asked: its own, else that of all."""
        return self.models[model].dtype or self.answer.dtype

    def source(self, model: str) -> Path:
        """Say where a model's own checkpoint lies: in a folder, or in the hub's cache.

        Raises: InputError where it is neither.
        """
        from leanvlm.models._hub import folder_of

        return folder_of(self.models[model].checkpoint, fetch=False)

    @property
    def weights(self) -> dict[str, str]:
        """The checkpoints that the chosen recipes need: the methods of one each, by its slug.

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
