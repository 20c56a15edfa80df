"""One row per measured condition, phase, process and repeat: seconds of a recipe beside those of the full model."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

PHASES = ("preprocess", "vision", "selection", "prefill", "decode", "total")
BASE = "none"  # the axis of conditions that nothing was changed for
AXES = (BASE, "batch_size", "new_tokens", "pictures", "resolution")
CONDITION = (
    column("model", pa.string(), "id of the model"),
    column("recipe", pa.string(), "canonical text of the recipe"),
    column("device", pa.string(), "name of the device"),
    column("engine", pa.string(), "what ran the model"),
    column("dtype", pa.string(), "type of activations and of untouched weights"),
    column("attention", pa.string(), "attention kernel, the same on both sides"),
    column("axis", pa.string(), "none, or what was changed: batch_size, new_tokens, pictures, resolution"),
    column("batch_size", pa.int32(), "prompts at once"),
    column("prompt_tokens", pa.int32(), "length of the full prompts of the batch", unit="tokens"),
    column("visual_tokens", pa.int32(), "visual tokens of the full prompts", unit="tokens"),
    column("new_tokens", pa.int32(), "tokens that were written, of each answer", unit="tokens"),
    column("is_shape_only", pa.bool_(), "random weights of a known shape: only seconds mean something"),
)

TABLE = Table(
    name="timings",
    grain="one row per model, recipe, condition (device to is_shape_only), phase, process, repeat",
    schema=pa.schema(
        [
            *CONDITION,
            column("phase", pa.string(), "preprocess: pictures and words to tensors; vision; selection: choosing what "
                   "stays; prefill: vision to the last first token; decode: per step after it; total: all of it"),
            column("process", pa.int32(), "number of the process, from 0; they run one after the other"),
            column("repeat", pa.int32(), "number of the repeat in its process, from 0"),
            column("seconds", pa.float64(), "wall-clock time of the recipe", unit="seconds"),
            column("full_seconds", pa.float64(), "controls/full, measured in the same repeat", unit="seconds"),
        ]
    ),
    keys=(*(one.name for one in CONDITION), "phase", "process", "repeat"),
)  # fmt: skip
