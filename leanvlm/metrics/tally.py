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
from leanvlm.metrics import sums
from leanvlm.paper import counterparts
from leanvlm.tables._parquet import write_parquet

ROOT = Path(__file__).parent
MACROS = "macros.sql"
RESAMPLES, SEED = 1000, 0  # of the bootstrap, where no params.yaml says so under `tally`


@dataclass(frozen=True)
class Metric:
    """One query. A file that begins with an underscore is a step for other metrics: `_kept.sql` is steps.kept."""

    name: str
    sql: str

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """List the tables and metrics that the header names."""
        return tuple(name.strip() for name in self.header("Reads").rstrip(".").split(","))

    @property
    def table(self) -> str:
        """Name the table that holds the answer; metrics and steps read each other under these names."""
        return self.name if self.is_published else f"steps.{self.name[1:]}"

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
    paths = [path for path in sorted(root.glob("*.sql")) if path.name != MACROS]
    read = [Metric(path.stem, path.read_text(encoding="utf-8")) for path in paths]
    found = {metric.table: metric for metric in read}
    graph = {name: [other for other in metric.reads if other in found] for name, metric in found.items()}
    try:
        return tuple(found[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise RunError(f"metrics read each other in a circle: {' -> '.join(error.args[1])}") from error


def needed(table: str) -> list[Metric]:
    """List a metric or step after all that it reads."""
    wanted, found = {table}, []
    for metric in reversed(metrics()):
        if metric.table in wanted:
            wanted |= set(metric.reads)
            found.append(metric)
    return found[::-1]


def sources(table: str) -> tuple[str, ...]:
    """List the tables of the pipeline that a metric is made of in the end."""
    chain = needed(table)
    made = {metric.table for metric in chain}
    read = {name for metric in chain for name in metric.reads} - made
    return tuple(sorted(name for name in read if not name.startswith("steps.")))


def published() -> tuple[str, ...]:
    """List the metrics that the store shows."""
    return tuple(metric.name for metric in metrics() if metric.is_published)


def prepare(connection: store.Connection, *, resamples: int, seed: int) -> None:
    """Give a connection the schema `steps`, its settings, macros that metrics use, and what the paper printed."""
    connection.execute("create schema if not exists steps")
    connection.execute(
        f"create or replace table steps.settings as select {int(resamples)} as resamples, {int(seed)} as seed"
    )
    connection.execute("comment on table steps.settings is 'one row per store: how the bootstrap was drawn'")
    connection.execute((ROOT / MACROS).read_text(encoding="utf-8"))
    connection.execute("drop table if exists paper_scores")
    store.add(connection, "paper_scores", counterparts.printed())
    connection.execute("comment on table paper_scores is 'one row per checkpoint_name, recipe, benchmark'")


def compute(connection: store.Connection, metric: Metric) -> None:
    """Compute one metric or step as a table of the connection, which has all that it reads."""
    if metric.name in sums.STEPS:
        connection.register("computed", sums.STEPS[metric.name](connection))
        connection.execute(f"create or replace table {metric.table} as select * from computed")
        connection.unregister("computed")
    else:
        connection.execute(f"create or replace table {metric.table} as {metric.sql}")


def measure(connection: store.Connection, *, resamples: int, seed: int) -> None:
    """Compute every step and metric as a table of the connection."""
    prepare(connection, resamples=resamples, seed=seed)
    for metric in metrics():
        compute(connection, metric)


def tally(root: Path, *, benchmarks: Sequence[str], resamples: int, seed: int) -> None:
    """Write each metric to a file of its own, and the whole store, steps included, to one DuckDB file.

    Raises: InputError where a table is missing, damaged or of another schema.
    """
    folder = root / files.METRICS
    with (
        files.whole(root / files.STORE) as part,
        store.connect(root, benchmarks=benchmarks, database=str(part)) as connection,
    ):
        measure(connection, resamples=resamples, seed=seed)
        for metric in metrics():
            connection.execute(f"comment on table {metric.table} is $${metric.header('Grain')}$$")
        for name in published():
            write_parquet(connection.table(name).to_arrow_table(), folder / f"{name}.parquet")
        connection.execute("checkpoint")  # else what a full disk refuses would be refused on closing, and not be told
    for stale in set(folder.glob("*.parquet")) - {folder / f"{name}.parquet" for name in published()}:
        stale.unlink()
