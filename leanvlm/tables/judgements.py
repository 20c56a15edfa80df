"""One row per benchmark, sample and different answer that a judge was asked about: what it was told, what it said."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables._table import Table, column

TABLE = Table(
    name="judgements",
    grain="one row per benchmark, sample_id, answer",
    schema=pa.schema(
        [
            column("benchmark", pa.string(), "id of the benchmark"),
            column("sample_id", pa.string(), "name of the sample within its benchmark"),
            column("answer", pa.string(), "the answer that is judged, of whichever models and recipes gave it"),
            column("judge", pa.string(), "what was asked for: a file of leanvlm/judging"),
            column("prompt_version", pa.string(), "version of that file's wording"),
            column("endpoint", pa.string(), "where the judge was asked"),
            column("judge_model", pa.string(), "the judge's name there"),
            column(
                "messages", pa.string(), "what the judge was told; a picture stands there by its SHA-256", unit="JSON"
            ),
            column("reply", pa.string(), "what the judge said; null where it gave no reply", is_nullable=True),
            column(
                "grade",
                pa.float64(),
                "worth of the answer by the reply; null where there is none to be read",
                unit="0 to 1",
                is_nullable=True,
            ),
            column(
                "reference",
                pa.float64(),
                "worth of the right answer by the same reply; null where the judge does not compare the two",
                unit="0 to 1",
                is_nullable=True,
            ),
            column("problem", pa.string(), "why there is no grade; null where there is one", is_nullable=True),
            column(
                "tokens_in",
                pa.int64(),
                "tokens read, as the endpoint counted them",
                unit="tokens",
                is_nullable=True,
            ),
            column(
                "tokens_out",
                pa.int64(),
                "tokens written, as the endpoint counted them",
                unit="tokens",
                is_nullable=True,
            ),
            column("tries", pa.int32(), "calls until the reply came, or was given up"),
        ]
    ),
    keys=("benchmark", "sample_id", "answer"),
)
