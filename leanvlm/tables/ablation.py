"""One row per model, recipe, benchmark, knob, level and sample: a question of an ablation, its answer and grade."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="ablation",
    grain="one row per model, recipe, benchmark, knob, level, sample_id",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("benchmark", pa.string(), "id of the drawn benchmark"),
            column("knob", pa.string(), "the one field of the benchmark that was turned"),
            column("position", pa.int64(), "place of the level in its list, 0 the easiest"),
            column("level", pa.int64(), "what the knob was turned to"),
            column("sample_id", pa.string(), "name of the sample, unique within its level"),
            column("answer", pa.string(), "what the model said"),
            column("grade", pa.float64(), "worth of the answer, 0 to 1"),
        ]
    ),
    keys=("model", "recipe", "benchmark", "knob", "level", "sample_id"),
)
