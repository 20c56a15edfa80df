"""One row per model, recipe, benchmark and sample: what the answer is worth."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

OUTCOMES = ("right", "partly", "wrong", "ungradable", "ungraded")

TABLE = Table(
    name="grades",
    grain="one row per model, recipe, benchmark, sample_id",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("benchmark", pa.string(), "id of the benchmark"),
            column("sample_id", pa.string(), "name of the sample within its benchmark"),
            column(
                "grade",
                pa.float64(),
                "worth of the answer by the sample's rule; null where a judge must say it and did not",
                unit="0 to 1",
                is_nullable=True,
            ),
            column(
                "published_grade",
                pa.float64(),
                "worth by the rule of the benchmark's owners, and a judge where they ask one; null where none says it",
                unit="0 to 1",
                is_nullable=True,
            ),
            column(
                "published_reference",
                pa.float64(),
                "worth of the right answer by the same judgement, where the owners divide by it",
                unit="0 to 1",
                is_nullable=True,
            ),
            column(
                "outcome",
                pa.string(),
                "right: 1; partly: between; wrong: 0; ungradable: 0, nothing there to grade; ungraded: no grade",
            ),
        ]
    ),
    keys=("model", "recipe", "benchmark", "sample_id"),
)
