"""A store in which given rows stand, and the metrics are computed from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from leanvlm import files, store
from leanvlm.metrics import tally

NAMES = [metric.name for metric in tally.metrics()]


def computed(
    root: Path, given: dict[str, list[dict[str, Any]]], *, wanted: str | None = None, threads: int = 2
) -> store.Connection:
    """Return a store in which the given rows stand and every metric, or all that `wanted` needs, is computed."""
    for table in store.TABLES:
        table.write([], root / files.table(table.name))
    connection = store.connect(root, benchmarks=[])
    connection.execute(f"set threads = {threads}; set variable resamples = 200; set variable seed = 0")
    for name in ("samples", *(table.name for table in store.TABLES)):
        _insert(connection, name, given.get(name, []))
    needed = _needed(wanted) if wanted else set(NAMES)
    for metric in tally.metrics():
        if metric.name in needed:
            connection.execute(f"create table {metric.name} as {metric.sql}")
            _insert(connection, metric.name, given.get(metric.name, []))
    return connection


def _insert(connection: store.Connection, name: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.register("rows", pa.Table.from_pylist(rows))
        connection.execute(f"insert into {name} by name from rows")
        connection.unregister("rows")


def _needed(name: str) -> set[str]:
    reads = {metric.name: metric.reads for metric in tally.metrics()}
    return {name}.union(*(_needed(read) for read in reads[name] if read in reads))
