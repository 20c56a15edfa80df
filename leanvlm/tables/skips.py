"""One row per model, recipe and benchmark that was not run, with the reason."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="skips",
    grain="one row per model, recipe, benchmark",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("benchmark", pa.string(), "id of the benchmark"),
            column("reason", pa.string(), "why it is not run, as a sentence"),
        ]
    ),
    keys=("model", "recipe", "benchmark"),
)
