"""Stored cells: a cell's file is named by the hash of all that its answers depend on, so reverting finds it again.

A cell is reused only if its key matches: weights, recipe, the sources of its methods and of the plumbing, samples,
prompt and generation settings, library versions and the kind of device. The key's parts are kept in the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq

from leanvlm import files, plugins
from leanvlm.engine.refusal import refusal
from leanvlm.params import Params
from leanvlm.recipes import Recipe, parse, slug
from leanvlm.tables import cells

ROOT = Path(__file__).parents[1]
PLUMBING = ("engine/*.py", "models/*.py", "methods/_*.py", "recipes/*.py", "tables/answers.py")


@dataclass(frozen=True)
class Cell:
    """One model x recipe x benchmark and the hashes that its answers follow from."""

    model: str
    recipe: Recipe
    benchmark: str
    parts: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """Hash the parts."""
        return _hash(json.dumps(self.parts).encode())

    @property
    def path(self) -> Path:
        """Where the cell's answers lie."""
        return files.CELLS / self.model / slug(self.recipe.text) / f"{self.benchmark}-{self.key}.parquet"

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
        for model in params.grid.models
        for recipe, reason in _asked(params, model)
        for benchmark in params.grid.benchmarks
        if reason is not None
    ]


def runnable(params: Params, model: str) -> list[Recipe]:
    """List the grid's recipes that a model does not refuse."""
    return [recipe for recipe, reason in _asked(params, model) if reason is None]


def _asked(params: Params, model: str) -> Iterator[tuple[Recipe, str | None]]:
    """Yield the grid's recipes, each with the reason why the model refuses it, if it does."""
    kind = plugins.load("models", params.models[model].architecture)
    config = kind.read_config(Path(params.models[model].checkpoint))
    for text in params.grid.chosen:
        recipe = parse(text)
        yield recipe, refusal(kind, config, recipe)


def grid_cells(params: Params) -> list[Cell]:
    """List the grid's cells in the order of params.yaml, without those that `grid_skips` lists."""
    settings = json.dumps([params.answer.max_new_tokens, params.answer.dtype, params.answer.rows])
    return [
        Cell(
            model,
            recipe,
            benchmark,
            (
                ("recipe", recipe.text),
                ("weights", folder_hash(params.folder(model, recipe))),
                ("samples", file_hash(files.samples(benchmark))),
                ("methods", _sources(f"methods/{part.method}.py" for part in recipe.parts)),
                ("plumbing", _sources(PLUMBING)),
                ("settings", settings),
                ("libraries", " ".join(f"{name}={version(name)}" for name in cells.LIBRARIES)),
                ("device", params.answer.device),
            ),
        )
        for model in params.grid.models
        for recipe in runnable(params, model)
        for benchmark in params.grid.benchmarks
    ]


def prune(wanted: Iterable[Cell], *, keep: int) -> int:
    """Delete stored cells that are not wanted, but for the `keep` newest; return how many went."""
    named = {cell.path for cell in wanted}
    unused = [path for path in files.CELLS.rglob("*.parquet") if path not in named]
    unused.sort(key=lambda path: (path.stat().st_mtime_ns, path.as_posix()), reverse=True)
    for path in unused[keep:]:
        path.unlink()
    return len(unused[keep:])


def explain(cell: Cell) -> str:
    """Say why a cell is found or not: which parts of its key differ from the nearest stored cell."""
    if cell.path.exists():
        return f"{cell.name}: stored as {cell.path}"
    stored = sorted(cell.path.parent.glob(f"{cell.benchmark}-*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    if not stored:
        return f"{cell.name}: never answered"
    metadata = pq.read_schema(stored[-1]).metadata or {}
    before = dict(json.loads(metadata.get(b"leanvlm.parts", b"[]")))
    changed = [name for name, value in cell.parts if before.get(name) != value]
    return f"{cell.name}: answered before with other {', '.join(changed)}"


@cache
def file_hash(path: Path) -> str:
    """Hash one file."""
    return _hash(path.read_bytes()) if path.is_file() else "missing"


@cache
def folder_hash(folder: Path) -> str:
    """Hash what answers depend on in a checkpoint folder: weights, configuration and tokenizer."""
    read = sorted(path for path in folder.glob("*") if path.suffix in (".safetensors", ".json"))
    return _hash("".join(path.name + file_hash(path) for path in read if path.name != "audit.json").encode())


@cache
def _sources_of(pattern: str) -> str:
    return "".join(path.name + file_hash(path) for path in sorted(ROOT.glob(pattern)))


def _sources(patterns: Iterable[str]) -> str:
    return _hash("".join(_sources_of(pattern) for pattern in patterns).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
