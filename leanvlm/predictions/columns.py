"""What one prediction is, wherever it was read."""

from __future__ import annotations

import pyarrow as pa

TEXTS = ("model", "recipe", "benchmark", "sample_id", "answer")  # every prediction has them
HASHES = ("doc_hash", "prompt_hash", "target_hash")  # what lmms-eval was asked, so that recipes can be told to differ
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in TEXTS),
        pa.field("group_id", pa.string()),
        pa.field("answers", pa.list_(pa.string())),
        pa.field("rule", pa.string()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("grade", pa.float64()),
        pa.field("new_tokens", pa.int32()),
        pa.field("log_probability", pa.float64()),
        pa.field("kind", pa.string()),
        *(pa.field(name, pa.string()) for name in HASHES),
        pa.field("file", pa.string()),  # where it stands, for messages
        pa.field("line", pa.int64()),
    ]
)
