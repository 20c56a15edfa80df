"""Tally: run every query in leanvlm/metrics, each after those that it reads, and keep what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from leanvlm import files, store
from leanvlm.errors import RunError
from leanvlm.tables._table import write_parquet

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Metric:
    """One query. A name that begins with an underscore is a step for other metrics and is not published."""

    name: str
    sql: str

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """List the tables and metrics that the header names."""
        return tuple(name.strip() for name in self.header("Reads").rstrip(".").split(","))

    @property
    def is_published(self) -> bool:
        """Say whether the metric is a table of its own in the store."""
        return not self.name.startswith("_")

    def header(self, key: str) -> str:
        """Return what the header says after `key:`, on one line.

        Raises: RunError where it says nothing.
        """
        found = re.search(rf"^-- {key}:(.*\n(?:-- {{6,}}.*\n)*)", self.sql, flags=re.MULTILINE)
        if not found:
            raise RunError(f"leanvlm/metrics/{self.name}.sql has no line {key!r} in its header")
        return " ".join(found[1].replace("--", " ").split())


def metrics(root: Path = ROOT) -> tuple[Metric, ...]:
    """List every metric so that each comes after those that it reads; the rest is in order of names.

    Raises: RunError where metrics read each other in a circle.
    """
    found = {path.stem: Metric(path.stem, path.read_text(encoding="utf-8")) for path in sorted(root.glob("*.sql"))}
    graph = {name: [read for read in metric.reads if read in found] for name, metric in found.items()}
    try:
        return tuple(found[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise RunError(f"metrics read each other in a circle: {' -> '.join(error.args[1])}") from error


def published() -> tuple[str, ...]:
    """List the metrics that the store shows."""
    return tuple(metric.name for metric in metrics() if metric.is_published)


def measure(connection: store.Connection, *, resamples: int, seed: int) -> None:
    """Compute every metric as a table of the connection."""
    connection.execute(f"set variable resamples = {int(resamples)}")
    connection.execute(f"set variable seed = {int(seed)}")
    for metric in metrics():
        connection.execute(f"create or replace table {metric.name} as {metric.sql}")


def tally(root: Path, *, benchmarks: Sequence[str], resamples: int, seed: int) -> None:
    """Write each metric to a file of its own, and the whole store to one DuckDB file.

    Raises: InputError where a table is missing, damaged or of another schema.
    """
    folder = root / files.METRICS
    with store.connect(root, benchmarks=benchmarks) as connection:
        measure(connection, resamples=resamples, seed=seed)
        for name in published():
            write_parquet(connection.table(name).to_arrow_table(), folder / f"{name}.parquet")
    for stale in set(folder.glob("*.parquet")) - {folder / f"{name}.parquet" for name in published()}:
        stale.unlink()
    grains = {metric.name: metric.header("Grain") for metric in metrics() if metric.is_published}
    store.build(root, root / files.STORE, benchmarks=benchmarks, metrics=grains)
