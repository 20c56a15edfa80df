"""The same numbers with polars, as one who knows it would write it; `make bench-metrics` calls it.

Strings become categories when the files are read; one join brings the full model's answer beside each answer, groups do
the rest, and numpy the bootstrap's product of matrices.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl

from leanvlm.benches import _bootstrap
from leanvlm.recipes import FULL

CELL = ["model", "recipe", "benchmark"]
TEXTS = [*CELL, "sample_id", "outcome", "answer"]


def measured(folder: Path, *, resamples: int) -> dict[str, float]:
    """Compute OP with intervals, OG, OL, flips and the front from the files of `folder`; return the seconds."""
    start = time.perf_counter()
    predictions = pl.read_parquet(folder / "predictions.parquet").with_columns(pl.col(TEXTS).cast(pl.Categorical))
    gains = pl.read_parquet(folder / "gains.parquet")
    loaded = time.perf_counter()
    compared = beside_full(predictions)
    compared.group_by(*CELL, "full_outcome", "outcome", "is_same").len()
    kept = cells(compared)
    performance = kept.group_by("model", "recipe").agg(
        performance=(pl.col("kept") ** 2).mean().sqrt(), loyalty=pl.col("loyalty").mean()
    )
    by_benchmark = kept.group_by("recipe", "benchmark").agg(pl.col("kept").mean())
    by_benchmark.group_by("recipe").agg(100 * pl.col("kept").std(ddof=0) / pl.col("kept").mean())
    blocks = predictions.sort(CELL).partition_by("model", "benchmark", maintain_order=True)
    rng = np.random.default_rng(0)
    found = [replicates(block, rng, resamples=resamples) for block in blocks]
    _bootstrap.intervals(found, models=predictions["model"].n_unique())
    front(performance.with_columns(pl.col("model", "recipe").cast(pl.String)).join(gains, on=["model", "recipe"]))
    return {"read": loaded - start, "computed": time.perf_counter() - loaded}


def beside_full(predictions: pl.DataFrame) -> pl.DataFrame:
    """Put the full model's outcome beside each answer, and whether both answers are the same."""
    full = predictions.lazy().filter(pl.col("recipe") == FULL)
    columns = ["model", "benchmark", "sample_id"]
    full = full.select(*columns, full_outcome="outcome", full_answer="answer")
    paired = predictions.lazy().join(full, on=columns)
    return paired.select(
        *CELL, "grade", "outcome", "full_outcome", is_same=pl.col("answer") == pl.col("full_answer")
    ).collect()


def cells(compared: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracy kept and the loyalty of each cell."""
    means = compared.group_by(CELL).agg(pl.col("grade").mean(), loyalty=pl.col("is_same").mean())
    full = means.filter(pl.col("recipe") == FULL).select("model", "benchmark", full="grade")
    return means.join(full, on=["model", "benchmark"]).with_columns(kept=pl.col("grade") / pl.col("full"))


def replicates(block: pl.DataFrame, rng: np.random.Generator, *, resamples: int) -> _bootstrap.Matrix:
    """Draw one model's samples of one benchmark anew."""
    ordered = block.select("recipe", "sample_id", "grade").sort("recipe", "sample_id")
    recipes = ordered["recipe"].unique(maintain_order=True).to_list()
    grades = ordered["grade"].to_numpy().reshape(len(recipes), -1)
    return _bootstrap.replicates(grades, recipes.index(FULL), rng, resamples=resamples)


def front(points: pl.DataFrame) -> pl.DataFrame:
    """Return the points that no other of their model and cost beats."""
    gain, performance = pl.col("gain"), pl.col("performance")
    more, better = pl.col("gain_rival"), pl.col("performance_rival")
    beaten = points.join(points, on=["model", "cost"], suffix="_rival").filter(
        (gain <= more) & (performance <= better) & ((gain < more) | (performance < better))
    )
    return points.join(beaten, on=["model", "cost", "recipe"], how="anti")
