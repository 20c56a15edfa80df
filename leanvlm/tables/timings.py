"""One row per measured condition, phase and repeat: seconds of a recipe beside those of the full model."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

PHASES = ("vision", "prefill", "decode", "total")

TABLE = Table(
    name="timings",
    grain="one row per model, recipe, condition (device to new_tokens, is_shape_only), phase, repeat",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("device", pa.string(), "name of the device"),
            column("engine", pa.string(), "what ran the model"),
            column("dtype", pa.string(), "type of activations and of untouched weights"),
            column("attention", pa.string(), "attention kernel, the same on both sides"),
            column("phase", pa.string(), "vision; prefill: to the first token; decode: per token after it; total"),
            column("batch_size", pa.int32(), "prompts at once"),
            column("prompt_tokens", pa.int32(), "length of the full prompt", unit="tokens"),
            column("visual_tokens", pa.int32(), "visual tokens of the full prompt", unit="tokens"),
            column("new_tokens", pa.int32(), "tokens that were written", unit="tokens"),
            column("repeat", pa.int32(), "number of the repeat, from 0"),
            column("is_shape_only", pa.bool_(), "random weights of a known shape: only seconds mean something"),
            column("seconds", pa.float64(), "wall-clock time of the recipe", unit="seconds"),
            column("full_seconds", pa.float64(), "controls/full, measured in the same repeat", unit="seconds"),
        ]
    ),
    keys=(
        "model",
        "recipe",
        "device",
        "engine",
        "dtype",
        "attention",
        "phase",
        "batch_size",
        "prompt_tokens",
        "visual_tokens",
        "new_tokens",
        "repeat",
        "is_shape_only",
    ),
)
