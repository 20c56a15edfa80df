"""One row per device, dtype and timing process: what the device can do at most, and how steady it was."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="ceilings",
    grain="one row per model, device, dtype, process",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model that the process timed then"),
            column("device", pa.string(), "name of the device"),
            column("dtype", pa.string(), "type of activations and of untouched weights"),
            column("process", pa.int32(), "number of the process, from 0"),
            column("threads", pa.int32(), "threads of PyTorch"),
            column("operations", pa.float64(), "of a large product; a multiply-add is two", unit="1/second"),
            column("moved_bytes", pa.float64(), "of a large copy, read and written", unit="bytes/second"),
            column("reference_seconds", pa.float64(), "of a fixed piece of work, median", unit="seconds"),
            column("reference_low", pa.float64(), "its fastest", unit="seconds"),
            column("reference_high", pa.float64(), "what nine in ten stay below", unit="seconds"),
            column("watts", pa.float64(), "median power; null where the device does not tell", unit="watts",
                   is_nullable=True),
            column("dollars_per_hour", pa.float64(), "what params.yaml says the machine costs, null where it does not",
                   unit="dollars/hour", is_nullable=True),
        ]
    ),
    keys=("model", "device", "dtype", "process"),
)  # fmt: skip
