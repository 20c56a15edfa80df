"""One row per model, recipe and benchmark: one cell of the grid, and the bytes of its weights."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

FAMILIES = ("controls", "tokens", "cache", "weights", "combined")
LIBRARIES = ("torch", "transformers", "tokenizers", "pillow")  # whose versions are in a cell's key
ACTS_ON = ("none", "image", "tokens", "cache", "weights", "several")

TABLE = Table(
    name="cells",
    grain="one row per model, recipe, benchmark",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("benchmark", pa.string(), "id of the benchmark"),
            column("checkpoint", pa.string(), "the model's checkpoint as params.yaml names it"),
            column("family", pa.string(), "controls, tokens, cache, weights or combined"),
            column("acts_on", pa.string(), "none, image, tokens, cache, weights or several"),
            column("cell_key", pa.string(), "hash of all that the cell's answers depend on"),
            column(
                "weights_bytes",
                pa.int64(),
                "stored decoder linear layers, scales included; pruned: non-zero weights x 2",
                unit="bytes",
            ),
            column("full_weights_bytes", pa.int64(), "the same layers, untouched", unit="bytes"),
        ]
    ),
    keys=("model", "recipe", "benchmark"),
)
