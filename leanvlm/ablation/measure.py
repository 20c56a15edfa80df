"""From an ablation's grades to which knob explains the loss: the metrics' replicates, then the SQL beside this file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from leanvlm.metrics import tally

STEPS = ("_losses", "levels", "effects")


def measure(rows: pa.Table, *, resamples: int, seed: int) -> dict[str, pa.Table]:
    """Return the tables `levels` and `effects` of one `ablation` table."""
    with duckdb.connect() as connection:
        connection.register("ablation", rows)
        connection.execute(
            "create table samples as select distinct concat(benchmark, ':', knob, '=', level) as benchmark,"
            " sample_id, sample_id as group_id from ablation"
        )
        tally.prepare(connection, resamples=resamples, seed=seed)
        for metric in tally.needed("steps.draws"):
            tally.compute(connection, metric)
        for name in STEPS:
            sql = Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
            connection.execute(f"create table {name} as {sql}")
        return {name: connection.table(name).to_arrow_table() for name in ("levels", "effects")}
