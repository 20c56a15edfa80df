"""One row per model, recipe and layer: what a checkpoint keeps of one of the decoder's linear layers."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="audits",
    grain="one row per model, recipe, layer",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the methods that made the checkpoint"),
            column("layer", pa.string(), "name of the linear layer in the checkpoint"),
            column("weights", pa.int64(), "weights of the layer, zeros included"),
            column("zero_share", pa.float64(), "share of the weights that are zero, pruned or rounded", unit="ratio"),
            column(
                "bits_per_weight",
                pa.float64(),
                "with scales and low-rank matrices, where a pruned weight is free",
                unit="bits",
            ),
            column("stored_bytes", pa.int64(), "in the file, where a pruned weight is not free", unit="bytes"),
            column(
                "packed_bytes",
                pa.int64(),
                "where pruned weights are left out and one bit a weight tells which: a mask, or the places of 2:4",
                unit="bytes",
            ),
            column(
                "budget",
                pa.float64(),
                "share that was asked to be kept; null: only of all layers together",
                unit="ratio",
                is_nullable=True,
            ),
            column("achieved_budget", pa.float64(), "share that was kept: bits over 16", unit="ratio"),
        ]
    ),
    keys=("model", "recipe", "layer"),
)
