"""One row per calibration sample: a training question with its pictures, never one that is graded."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="calibration",
    grain="one row per sample_id",
    schema=pa.schema(
        [
            column("sample_id", pa.string(), "name of the calibration sample"),
            column("question", pa.string(), "the question as the model reads it"),
            column("answer", pa.string(), "the right answer"),
            column("images", pa.list_(pa.binary()), "the pictures, in the order shown", unit="PNG"),
        ]
    ),
    keys=("sample_id",),
)
