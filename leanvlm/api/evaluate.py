"""`leanvlm.evaluate`: recipes on benchmarks, as tables and metrics to ask with SQL."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from tqdm import tqdm

from leanvlm.api._recipes import for_loaded
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.benchmarks._named import named
from leanvlm.benchmarks._soundness import sound
from leanvlm.engine.decode.decode import MOST_ROWS
from leanvlm.engine.sweep import answer_all
from leanvlm.engine.worker import batches
from leanvlm.errors import InputError
from leanvlm.metrics import tally
from leanvlm.models._model import LoadedModel
from leanvlm.predictions.columns import SCHEMA
from leanvlm.predictions.metrics import measure
from leanvlm.recipes import FULL, Recipe
from leanvlm.rows.once import refuse_file_twice
from leanvlm.sample import Sample
from leanvlm.tables._parquet import write_parquet


@dataclass(frozen=True)
class Evaluation:
    """What every recipe said to every sample."""

    predictions: pa.Table

    @cached_property
    def store(self) -> duckdb.DuckDBPyConnection:
        """Tables and metrics in memory, as in the project's store; seconds and bytes are not among them."""
        connection = duckdb.connect()
        measure(connection, self.predictions, full=FULL, resamples=tally.RESAMPLES, seed=tally.SEED)
        return connection

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """Ask the tables and metrics; the rows print as a table, `.df()` and `.fetchall()` hand them on."""
        return self.store.sql(query)

    def write(self, folder: str | Path) -> Path:
        """Write the predictions as a folder that `leanvlm score` reads; return the file."""
        path = Path(folder) / "predictions.parquet"
        write_parquet(self.predictions.drop_columns(["file", "line"]), path)
        return path


def evaluate(
    model: LoadedModel,
    *,
    recipes: Sequence[str],
    benchmarks: Sequence[str],
    n: int = 100,
    seed: int = 0,
    max_new_tokens: int = 48,
    name: str = "",
) -> Evaluation:
    """Answer `n` samples of each benchmark with each recipe, beside controls/full, which every ratio is taken of.

    Takes: benchmarks, names, or local:PATH of a file of your own questions; n, samples of each; seed, which draw
        of them; name, what the model is called in the tables, its folder's name by default.

    Raises: InputError for an unknown benchmark or recipe, or one that the model refuses or that acts on the weights.

    >>> from leanvlm import load
    >>> found = evaluate(load("artifacts/models/embedded"), recipes=["tokens/fastv@40%"], benchmarks=["easy_vqa"], n=4)
    >>> found.sql("select recipe, accuracy from accuracy").fetchall()
    [('controls/full', 1.0), ('tokens/fastv@40%', 1.0)]
    """
    parsed = {recipe.text: recipe for recipe in for_loaded([FULL, *recipes])}
    are_counts = all(isinstance(count, int) and count >= 1 for count in (n, max_new_tokens))
    if not are_counts or not benchmarks:
        raise InputError("evaluate needs one benchmark or more, and n and max_new_tokens of 1 or more, whole numbers")
    refuse_file_twice(benchmarks, where="of the benchmarks")
    called = name or (model.folder.resolve().name if model.folder else model.architecture)
    loaded = {benchmark: readable(benchmark) for benchmark in benchmarks}
    rows = [
        {"model": called, "benchmark": benchmark, **row}
        for benchmark, built in loaded.items()
        for row in _answered(
            model, list(sound(benchmark, built.samples(n, seed=seed))), list(parsed.values()), benchmark, max_new_tokens
        )
    ]
    return Evaluation(pa.Table.from_pylist(rows, schema=SCHEMA))


def readable(name: str) -> Benchmark:
    """Build a benchmark whose data are here.

    Raises: InputError where they are not, or a row of them is wrong.
    """
    built = named(name)
    if reason := built.missing():
        raise InputError(f"{name} cannot be read here, since {reason}")
    built.check()
    return built


def _answered(
    model: LoadedModel, samples: Sequence[Sample], recipes: Sequence[Recipe], benchmark: str, limit: int
) -> Iterator[dict[str, Any]]:
    by_id = {sample.sample_id: sample for sample in samples}
    refused: dict[str, str] = {}
    rows = MOST_ROWS[model.model.device.type]
    with tqdm(
        total=len(samples), desc=f"{benchmark} x {len(recipes)} recipes", unit="sample", disable=None
    ) as progress:
        for batch in batches(samples, len(recipes), rows):
            for sample_id, recipe, found in answer_all(model, batch, recipes, limit=limit, rows=rows):
                sample = by_id[sample_id]
                refused |= {sample_id: found.refusal} if found.refusal else {}
                yield {
                    "recipe": recipe.text,
                    "sample_id": sample_id,
                    "answer": found.answer,
                    "new_tokens": found.new_tokens,
                    "log_probability": found.log_probability,
                    "kind": sample.kind,
                    "group_id": sample.group_id,
                    "answers": list(sample.answers),
                    "rule": sample.rule,
                    "options": list(sample.options),
                }
            progress.update(len(batch))
    if refused:
        first = next(iter(refused.values()))
        print(f"{benchmark}: {len(refused)} samples were refused and count as wrong; {first}", file=sys.stderr)
