"""Time every recipe of the grid in several processes, one after the other, and join what each wrote."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa

from leanvlm import files
from leanvlm.errors import RunError
from leanvlm.params import Params
from leanvlm.processes.children import dying_with_this
from leanvlm.tables import ceilings, timings, workloads
from leanvlm.tables._table import Table

TABLES: tuple[Table, ...] = (timings.TABLE, workloads.TABLE, ceilings.TABLE)
STEADINESS = Path(__file__).parents[1] / "clock/steadiness.sql"


def measure(params: Params) -> None:
    """Write the tables, and say so where the machine was too busy to time.

    Raises: RunError where a process ended badly; it has said why.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for process in range(params.clock.processes):
            _run(process, folder)
        for table in TABLES:
            parts = [table.read(part_of(table, process, folder)) for process in range(params.clock.processes)]
            table.write(pa.concat_tables(parts), files.table(table.name))
    print(steadiness(ceilings.TABLE.read(files.table("ceilings"))))


def part_of(table: Table, process: int, folder: Path) -> Path:
    """Say where a process writes its rows of a table."""
    return folder / f"{table.name}-{process}.parquet"


def _run(process: int, folder: Path) -> None:
    command = [sys.executable, "-m", "leanvlm.clock.process", str(process), str(folder)]
    done = subprocess.run(command, preexec_fn=dying_with_this(), check=False)
    if done.returncode:
        raise RunError(f"process {process} of the clock ended with status {done.returncode}; what it said stands above")


def steadiness(measured: pa.Table) -> str:
    """Say how much of the time the machine did other work."""
    with duckdb.connect() as connection:
        connection.register("ceilings", measured)
        rows = connection.sql(STEADINESS.read_text(encoding="utf-8")).to_arrow_table().to_pylist()
    n_busy, n_processes = (sum(row[name] for row in rows) for name in ("n_busy", "n_processes"))
    said = f"a fixed piece of work took up to {max(row['worst'] for row in rows):.2f} times its fastest"
    if not n_busy:
        return f"the machine was steady: {said}"
    return f"the machine was busy in {n_busy} of {n_processes} processes: {said}; intervals are wider for it"
