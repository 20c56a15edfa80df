"""One row per model, recipe and position: one method of a recipe, asked and achieved budget."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="parts",
    grain="one row per model, recipe, position",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("position", pa.int32(), "place of the method in the recipe, from 1"),
            column("method", pa.string(), "id of the method"),
            column("setting", pa.string(), "how strong it was asked to be, as text", is_nullable=True),
            column("options", pa.string(), "options that are not the default, sorted: a=1,b=2"),
            column(
                "budget",
                pa.float64(),
                "share that was asked to be kept; null: the method has no strength, or one that is no share",
                unit="ratio",
                is_nullable=True,
            ),
            column(
                "achieved_budget",
                pa.float64(),
                "share that was kept, measured, mean over samples; of a method that quantises the cache, of its bytes",
                unit="ratio",
                is_nullable=True,
            ),
        ]
    ),
    keys=("model", "recipe", "position"),
)
