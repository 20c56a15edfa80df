"""A store that holds given rows, and the metrics that are computed from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from leanvlm import files, store
from leanvlm.metrics import tally

BY_NAME = {metric.name: metric for metric in tally.metrics()}
NAMES = list(BY_NAME)
RESAMPLES = 200


def computed(
    root: Path, given: dict[str, list[dict[str, Any]]], *, wanted: str | None = None, threads: int = 2
) -> store.Connection:
    """Return a store that holds the given rows, and every metric, or all that `wanted` needs, computed from them."""
    for table in store.TABLES:
        table.write([], root / files.table(table.name))
    connection = store.connect(root, benchmarks=[])
    connection.execute(f"set threads = {threads}")
    tally.prepare(connection, resamples=RESAMPLES, seed=0)
    for name in ("samples", *(table.name for table in store.TABLES)):
        _insert(connection, name, given.get(name, []))
    if "paper_scores" in given:
        connection.execute("delete from paper_scores")
        _insert(connection, "paper_scores", given["paper_scores"])
    for metric in tally.needed(BY_NAME[wanted].table) if wanted else tally.metrics():
        tally.compute(connection, metric)
        _insert(connection, metric.table, given.get(metric.name, []))
    return connection


def _insert(connection: store.Connection, name: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.register("rows", pa.Table.from_pylist(rows))
        connection.execute(f"insert into {name} by name from rows")
        connection.unregister("rows")
