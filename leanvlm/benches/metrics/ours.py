"""The same numbers with leanvlm's own queries, from the files that the rivals read; `make bench-metrics` calls it."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from leanvlm import grading, store
from leanvlm.metrics import tally

SHARED = ("overall_performance", "overall_generalization", "overall_loyalty", "flips", "is_on_pareto_front")
SPELT = "steps.spellings"  # each distinct answer in one spelling: the file holds answers that are spelt already
SMALL = ("samples", "cells", "parts", "timings")
THREADS, MEMORY = 2, "4GB"
VIEWS = Path(__file__).with_name("views.sql")
SPELLINGS = f"""create view {SPELT} as
select distinct answer, answer as normalised_answer, answer as extracted_answer from answers"""


def measured(folder: Path, *, resamples: int) -> dict[str, float]:
    """Compute OP with intervals, OG, OL, flips and the front from the files of `folder`; return the seconds."""
    start = time.perf_counter()
    with connected(":memory:") as connection:
        tally.prepare(connection, resamples=resamples, seed=0)
        for name in ("predictions", *SMALL):
            connection.execute(f"create table {name} as select * from '{folder}/{name}.parquet'")
        connection.execute(VIEWS.read_text(encoding="utf-8"))
        connection.execute(SPELLINGS)
        loaded = time.perf_counter()
        for metric in shared():
            tally.compute(connection, metric)
        return {"read": loaded - start, "computed": time.perf_counter() - loaded}


def connected(database: str) -> store.Connection:
    """Open an empty store with the limits of the bench and our macros."""
    limits = {"threads": str(THREADS), "memory_limit": MEMORY, "preserve_insertion_order": "false"}
    connection = duckdb.connect(database, config=dict(limits))
    grading.load_macros(connection)
    return connection


def shared() -> list[tally.Metric]:
    """List the metrics that the rivals compute too, after all that they read."""
    wanted = {metric.table for name in SHARED for metric in tally.needed(name)} - {SPELT}
    return [metric for metric in tally.metrics() if metric.table in wanted]
