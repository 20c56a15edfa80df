"""One row per model and recipe: what it cost to make a checkpoint, once, on the machine that made it."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="costs",
    grain="one row per model, recipe",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the methods that made the checkpoint"),
            column("calibration_samples", pa.int64(), "training questions that the methods were given"),
            column("seconds", pa.float64(), "to calibrate, rewrite, write and prove, on one thread", unit="seconds"),
            column("peak_bytes", pa.int64(), "most memory that the process held, libraries included", unit="bytes"),
        ]
    ),
    keys=("model", "recipe"),
)
