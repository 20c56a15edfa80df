"""One row per measured condition and phase: what a recipe asks of a device, beside what the full model asks."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column
from leanvlm.tables.timings import CONDITION

PHASES = ("vision", "prefill", "decode")

TABLE = Table(
    name="workloads",
    grain="one row per model, recipe, condition (device to is_shape_only), phase",
    schema=pa.schema(
        [
            *CONDITION,
            column("phase", pa.string(), "vision; prefill: to the first token; decode: one step"),
            column("operations", pa.float64(), "of products, attention and convolutions; a multiply-add is two"),
            column("full_operations", pa.float64(), "the same of controls/full"),
            column("moved_bytes", pa.float64(), "weights read, and cache written or read", unit="bytes"),
            column("full_moved_bytes", pa.float64(), "the same of controls/full", unit="bytes"),
            column("cache_bytes", pa.int64(), "cache of the batch that decoding reads", unit="bytes"),
            column("full_cache_bytes", pa.int64(), "the same of controls/full", unit="bytes"),
            column("peak_bytes", pa.int64(), "most memory of a run beside the weights, null where the system does not "
                   "tell", unit="bytes", is_nullable=True),
            column("full_peak_bytes", pa.int64(), "the same of controls/full", unit="bytes", is_nullable=True),
        ]
    ),
    keys=(*(one.name for one in CONDITION), "phase"),
)  # fmt: skip
