"""Stored cells: a cell's file is named by the hash of all that its answers depend on, so reverting finds it again.

A cell is reused only if its key matches: recipe, checkpoint, samples, the code that answers (sources.py says which),
settings, library versions and the kind of device. The key's parts are kept in the file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from leanvlm import files, plugins
from leanvlm.engine.refusal import of_video, refusal
from leanvlm.hashes import digest, file_hash, folder_hash
from leanvlm.params import Params
from leanvlm.pipeline.models import architecture
from leanvlm.pipeline.sources import code_hash
from leanvlm.pipeline.widths import width_refusal
from leanvlm.recipes import Recipe, parse, slug
from leanvlm.storage._storage import Storage
from leanvlm.storage.chosen import HERE, chosen
from leanvlm.tables import cells, samples

NO_VIDEO = "it chooses among the frames of a video, and this benchmark has none"
NO_JUDGE = "needs a judge; name one under `judge:` in params.yaml"


@dataclass(frozen=True)
class Cell:
    """One model x recipe x benchmark and the hashes that its answers follow from."""

    model: str
    recipe: Recipe
    benchmark: str
    key_parts: tuple[tuple[str, str], ...]  # what the key is made of, by name
    storage: Storage = HERE

    @property
    def key(self) -> str:
        """Hash what the answers follow from."""
        return digest(json.dumps(self.key_parts).encode())

    @property
    def siblings(self) -> str:
        """Name the folder of its storage where the recipe's cells lie."""
        return f"{self.model}/{slug(self.recipe.text)}/"

    @property
    def file(self) -> str:
        """Name the file of its storage that holds its answers."""
        return f"{self.siblings}{files.slug(self.benchmark)}-{self.key}.parquet"

    @property
    def batches(self) -> str:
        """Name the folder of its storage that holds its answers until all are there."""
        return f"{self.file.removesuffix('.parquet')}.batches"

    @property
    def name(self) -> str:
        """Name the cell for people."""
        return f"{self.model} | {self.recipe.text} | {self.benchmark}"


@dataclass(frozen=True)
class Skip:
    """One model x recipe x benchmark that is not run, and why."""

    model: str
    recipe: str
    benchmark: str
    reason: str


def grid_skips(params: Params) -> list[Skip]:
    """List what of the grid is not run, in the order of params.yaml."""
    return [
        Skip(model, recipe.text, benchmark, reason)
        for model, recipe, benchmark, reason in _grid(params)
        if reason is not None
    ]


def _grid(params: Params) -> Iterator[tuple[str, Recipe, str, str | None]]:
    """Yield each model x recipe x benchmark of the grid, with the reason why it is not run, if it is not."""
    missing = _missing(params)
    for model in params.grid.models:
        for recipe, refused in _asked(params, model):
            for benchmark in params.grid.benchmarks:
                yield model, recipe, benchmark, refused or missing[benchmark] or without_video(recipe, benchmark)


def without_video(recipe: Recipe, benchmark: str) -> str | None:
    """Say why a recipe cannot be asked any sample of a benchmark, if so."""
    return NO_VIDEO if of_video(recipe) and samples.is_still(files.samples(benchmark)) else None


def _missing(params: Params) -> dict[str, str | None]:
    """Say of each benchmark of the grid why it has no samples here, or nobody to grade its answers, if so."""
    paths = {benchmark: files.samples(benchmark) for benchmark in params.grid.benchmarks}
    return {
        benchmark: samples.missing(path) or (None if params.judge or not samples.is_judged(path) else NO_JUDGE)
        for benchmark, path in paths.items()
    }


def runnable(params: Params, model: str) -> list[Recipe]:
    """List the grid's recipes that a model does not refuse."""
    return [recipe for recipe, reason in _asked(params, model) if reason is None]


def _asked(params: Params, model: str) -> Iterator[tuple[Recipe, str | None]]:
    """Yield the grid's recipes, each with the reason why the model refuses it, if it does."""
    kind = plugins.load("models", architecture(params, model))
    config = kind.read_config(params.source(model))
    for text in params.grid.chosen:
        recipe = parse(text)
        yield recipe, refusal(kind, config, recipe) or width_refusal(params, model, recipe)


def grid_cells(params: Params) -> list[Cell]:
    """List the grid's cells in the order of params.yaml, without those that `grid_skips` lists."""
    storage = chosen(params.storage)
    return [
        Cell(
            model,
            recipe,
            benchmark,
            (
                ("recipe", recipe.text),
                ("weights", folder_hash(params.folder(model, recipe))),
                ("samples", file_hash(files.samples(benchmark))),
                ("code", code_hash(architecture(params, model), recipe)),
                ("settings", _settings(params, model)),
                *computed_by(params, model),
            ),
            storage,
        )
        for model, recipe, benchmark, reason in _grid(params)
        if reason is None
    ]


def computed_by(params: Params, model: str) -> tuple[tuple[str, str], ...]:
    """Say what computes beside our own code, as parts of a key: the libraries' versions, and the kind of device."""
    libraries = " ".join(f"{name}={version(name)}" for name in cells.LIBRARIES)
    return ("libraries", libraries), ("device", params.models[model].device_map or params.answer.device)


def _settings(params: Params, model: str) -> str:
    own = params.models[model]
    return json.dumps([params.answer.max_new_tokens, params.dtype(model), params.answer.rows, own.max_pixels])


def by_sweep(params: Params, cells: Sequence[Cell]) -> list[list[Cell]]:
    """Group cells that share weights and samples, so that each checkpoint is loaded once."""
    groups: dict[tuple[Path, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[params.folder(cell.model, cell.recipe), cell.benchmark].append(cell)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[0].as_posix(), key[1]))]
