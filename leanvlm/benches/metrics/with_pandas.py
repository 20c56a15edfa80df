"""The same numbers with pandas and numpy, as one who knows them would write it; `make bench-metrics` calls it.

Strings become category codes when the files are read; each model and benchmark is one matrix, recipes x samples, and
the bootstrap is one product of matrices.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from leanvlm.benches import _bootstrap
from leanvlm.benches._bootstrap import Matrix
from leanvlm.recipes import FULL

KEYS = ["model", "recipe", "benchmark", "sample_id"]


def measured(folder: Path, *, resamples: int) -> dict[str, float]:
    """Compute OP with intervals, OG, OL, flips and the front from the files of `folder`; return the seconds."""
    start = time.perf_counter()
    predictions = read(folder / "predictions.parquet")
    gains = pd.read_parquet(folder / "gains.parquet")
    loaded = time.perf_counter()
    rng = np.random.default_rng(0)
    blocks = [block(found, rng, resamples) for _, found in predictions.groupby(["model", "benchmark"], observed=True)]
    kept = pd.concat([found["kept"] for found in blocks])
    squares = (kept["kept"] ** 2).groupby([kept["model"], kept["recipe"]], observed=True).mean()
    performance = np.sqrt(squares).rename("performance").reset_index()
    by_benchmark = kept.groupby(["recipe", "benchmark"], observed=True)["kept"].mean().unstack()
    100 * by_benchmark.std(axis=1, ddof=0) / by_benchmark.mean(axis=1)
    kept.groupby(["model", "recipe"], observed=True)["loyalty"].mean()
    _bootstrap.intervals([found["replicates"] for found in blocks], models=predictions["model"].nunique())
    front(performance.merge(gains, on=["model", "recipe"]))
    return {"read": loaded - start, "computed": time.perf_counter() - loaded}


def read(path: Path) -> pd.DataFrame:
    """Read predictions with every text as a category."""
    table = pq.read_table(path, read_dictionary=[*KEYS, "outcome", "answer"])
    found: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return found


def block(found: pd.DataFrame, rng: np.random.Generator, resamples: int) -> dict[str, Any]:
    """Measure one model on one benchmark: rows of the matrices are recipes, columns samples."""
    ordered = found.sort_values(["recipe", "sample_id"])
    recipes = ordered["recipe"].unique()
    grades = ordered["grade"].to_numpy().reshape(len(recipes), -1)
    answers = ordered["answer"].cat.codes.to_numpy().reshape(len(recipes), -1)
    outcomes = ordered["outcome"].cat.codes.to_numpy().reshape(len(recipes), -1)
    full = list(recipes).index(FULL)
    is_same = answers == answers[full]
    flips(outcomes, outcomes[full], is_same)
    means = grades.mean(axis=1)
    replicates = _bootstrap.replicates(grades, full, rng, resamples=resamples)
    columns = {"kept": means / means[full], "loyalty": is_same.mean(axis=1)}
    keys = {"model": found["model"].iloc[0], "recipe": recipes, "benchmark": found["benchmark"].iloc[0]}
    return {"kept": pd.DataFrame(keys | columns), "replicates": replicates}


def flips(outcomes: Matrix, full: Matrix, is_same: Matrix) -> Matrix:
    """Count each recipe's answers by the full model's outcome, its own, and whether the answer is the same."""
    codes = (full * 4 + outcomes) * 2 + is_same
    return np.stack([np.bincount(row, minlength=32) for row in codes])


def front(points: pd.DataFrame) -> Matrix:
    """Say which points no other of their model and cost beats."""
    found = [
        ~(
            (gain[:, None] <= gain)
            & (performance[:, None] <= performance)
            & ((gain[:, None] < gain) | (performance[:, None] < performance))
        ).any(axis=1)
        for _, group in points.groupby(["model", "cost"])
        for gain, performance in [(group["gain"].to_numpy(), group["performance"].to_numpy())]
    ]
    return np.concatenate(found)
