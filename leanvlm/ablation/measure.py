"""From an ablation's grades to which knob explains the loss: the metrics' replicates, then the SQL beside this file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

PACKAGE = Path(__file__).parents[1]
STEPS = ("metrics/_places", "metrics/_resamples", "ablation/_losses", "ablation/levels", "ablation/effects")


def measure(rows: pa.Table, *, resamples: int, seed: int) -> dict[str, pa.Table]:
    """Return the tables `levels` and `effects` of one `ablation` table."""
    with duckdb.connect() as connection:
        connection.register("ablation", rows)
        connection.execute(
            "create table samples as select distinct concat(benchmark, ':', knob, '=', level) as benchmark,"
            " sample_id, sample_id as group_id from ablation"
        )
        connection.execute(f"set variable resamples = {int(resamples)}")
        connection.execute(f"set variable seed = {int(seed)}")
        for step in STEPS:
            path = PACKAGE / f"{step}.sql"
            connection.execute(f"create table {path.stem} as {path.read_text(encoding='utf-8')}")
        return {name: connection.table(name).to_arrow_table() for name in ("levels", "effects")}
