"""The store: DuckDB over the grid's files and no others, so that a stale file on disk is never counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from leanvlm import files, grading
from leanvlm.tables import (
    answers,
    audits,
    ceilings,
    cells,
    costs,
    grades,
    judgements,
    parts,
    samples,
    skips,
    timings,
    workloads,
)
from leanvlm.tables._table import Table

MODULES = (answers, audits, ceilings, cells, costs, grades, judgements, parts, skips, timings, workloads)
TABLES = tuple(module.TABLE for module in MODULES)

Connection = duckdb.DuckDBPyConnection


def read(root: Path, table: Table, *, benchmarks: Sequence[str]) -> pa.Table:
    """Read one table of the grid whole; the samples of several benchmarks become one table."""
    if table.name != "samples":
        return table.read(root / files.table(table.name))
    read = [table.read(root / files.samples(benchmark)) for benchmark in benchmarks]
    return pa.concat_tables([table.empty(), *read])


def connect(root: Path, *, benchmarks: Sequence[str], database: str = ":memory:") -> Connection:
    """Open the store of the grid's files, with the grading macros loaded.

    Raises: InputError where a file is missing, damaged or of another schema.
    """
    connection = duckdb.connect(database)
    grading.load_macros(connection)
    add(connection, "graded_samples", read(root, samples.TABLE, benchmarks=benchmarks))
    _split_images(connection)
    for table in TABLES:
        name = "stored_cells" if table.name == "cells" else table.name
        add(connection, name, read(root, table, benchmarks=benchmarks))
        describe(connection, name, table)
    derive_cells(connection)
    return connection


def derive_cells(connection: Connection) -> None:
    """Turn the stored cells into the table `cells`, which also says what their answers show."""
    view = Path(__file__).with_name("cells.sql").read_text(encoding="utf-8")
    connection.execute(f"create table cells as {view}")
    connection.execute("drop table stored_cells")
    describe(connection, "cells", cells.TABLE)


def add(connection: Connection, name: str, rows: pa.Table) -> None:
    """Copy rows into a new table of the store."""
    connection.register("incoming", rows)
    connection.execute(f"create table {name} as select * from incoming")
    connection.unregister("incoming")


def describe(connection: Connection, name: str, table: Table) -> None:
    """Write the table's grain, and each column's description and unit, where a DuckDB client shows them."""
    connection.execute(f"comment on table {name} is {_quoted(table.grain)}")
    known = {column for (column, *_) in connection.execute(f"describe {name}").fetchall()}
    for field in table.schema:
        metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        if field.name in known:
            unit = f" [{metadata['unit']}]" if metadata["unit"] else ""
            said = _quoted(metadata["description"] + unit)
            connection.execute(f"comment on column {name}.{field.name} is {said}")


def _split_images(connection: Connection) -> None:
    """Keep pictures apart, so that `select * from samples` stays readable."""
    connection.execute("create table samples as select * exclude (images) from graded_samples")
    connection.execute(
        "create table sample_images as select benchmark, sample_id,"
        " generate_subscripts(images, 1) - 1 as position, unnest(images) as image from graded_samples"
    )
    connection.execute("drop table graded_samples")
    describe(connection, "samples", samples.TABLE)
    grain = "one row per benchmark, sample_id, position; a later turn has those of the first turn of its group"
    connection.execute(f"comment on table sample_images is {_quoted(grain)}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
