"""One row per model, recipe, benchmark and sample: what the model said, and what it was left to see."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

CENTER_PARTS = 1000  # of a picture's width and height, in which centres are told

TABLE = Table(
    name="answers",
    grain="one row per model, recipe, benchmark, sample_id",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("benchmark", pa.string(), "id of the benchmark"),
            column("sample_id", pa.string(), "name of the sample within its benchmark"),
            column("answer", pa.string(), "what the model said, as decoded"),
            column("new_tokens", pa.int32(), "tokens that the model wrote, the end mark included", unit="tokens"),
            column("finish_reason", pa.string(), "stop: the model ended; length: it was cut; refused: never asked"),
            column("refusal", pa.string(), "why the model was not asked; null where it was", is_nullable=True),
            column(
                "log_probability",
                pa.float64(),
                "logarithm of the probability that the model gave the answer, the end mark included: the sum over its"
                " tokens, at most 0, to six digits; null where it was not asked",
                unit="nats",
                is_nullable=True,
            ),
            column(
                "prompt_tokens", pa.int32(), "length of the full prompt; of a later turn, of all so far", unit="tokens"
            ),
            column("visual_tokens", pa.int32(), "visual tokens of the full prompt", unit="tokens"),
            column("visual_runs", pa.int32(), "pictures, tiles or frames, each reduced by itself"),
            column(
                "visual_tokens_kept",
                pa.float64(),
                "visual tokens that entered a decoder layer, mean over layers",
                unit="tokens",
            ),
            column(
                "cache_bytes",
                pa.int64(),
                "key-value cache when the answer begins, after eviction, as it is stored",
                unit="bytes",
            ),
            column("full_cache_bytes", pa.int64(), "key-value cache of all prompt_tokens", unit="bytes"),
            column(
                "cache_kept",
                pa.float64(),
                "share of the first prompt's positions kept per key-value head, of those that the layer received",
                unit="ratio",
            ),
            column(
                "bits_kept",
                pa.float64(),
                "share of the kept positions' bytes that their stored form takes; 1 unless it is quantised",
                unit="ratio",
            ),
            column("image_kept", pa.float64(), "share of the pictures' pixels that was shown", unit="ratio"),
            column("tokens_kept", pa.float64(), "share of visual tokens that entered the last layer", unit="ratio"),
            column(
                "kept_centers",
                pa.list_(pa.struct([("image", pa.int16()), ("x", pa.int16()), ("y", pa.int16())])),
                "where the visual tokens lie that entered the last layer; null without a token method, and for samples"
                " behind the first 200",
                unit="thousandths of the picture's width and height",
                is_nullable=True,
            ),
        ]
    ),
    keys=("model", "recipe", "benchmark", "sample_id"),
)
