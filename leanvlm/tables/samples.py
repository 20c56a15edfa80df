"""One row per benchmark and sample: a question, its pictures and its right answers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from leanvlm.tables._parquet import header
from leanvlm.tables._table import Table, column

JUDGED = "judged"  # the rule of answers that a judge grades
MISSING = "leanvlm.missing"  # in the header of a file without rows: why the benchmark cannot be read here

TABLE = Table(
    name="samples",
    grain="one row per benchmark, sample_id",
    schema=pa.schema(
        [
            column("benchmark", pa.string(), "id of the benchmark"),
            column("sample_id", pa.string(), "name of the sample, unique within its benchmark"),
            column("group_id", pa.string(), "samples of one picture share it; comparisons resample it as one"),
            column("turn", pa.int32(), "which question of its conversation it is; those share a group, in order"),
            column("kind", pa.string(), "what the question asks for"),
            column("question", pa.string(), "the question as the model reads it"),
            column("answers", pa.list_(pa.string()), "right answers; any of them is right"),
            column("rule", pa.string(), "grading rule, a file of leanvlm/grading"),
            column("options", pa.list_(pa.string()), "what can be chosen, in order: A, B, ...; or nothing"),
            column(
                "max_new_tokens",
                pa.int32(),
                "most tokens of an answer, where the benchmark says it",
                unit="tokens",
                is_nullable=True,
            ),
            column("stop_texts", pa.list_(pa.string()), "the first of them ends an answer, and is no part of it"),
            column(
                "published_rule",
                pa.string(),
                "how the benchmark's owners grade: a harness and a file of leanvlm/grading/published",
                is_nullable=True,
            ),
            column(
                "aggregate",
                pa.string(),
                "how the owners sum grades up: mean, mean_of_1000, mean_of_kinds, over_reference, pairs or circular",
                is_nullable=True,
            ),
            column(
                "facts",
                pa.string(),
                "what the owners' rule reads beside answers and options",
                unit="JSON",
                is_nullable=True,
            ),
            column(
                "judge",
                pa.string(),
                "what a judge is asked where no rule can say: a file of leanvlm/judging",
                is_nullable=True,
            ),
            column("images", pa.list_(pa.binary()), "the pictures' files as they came, in order; later turns: none"),
            column("fps", pa.float64(), "set where the images are one video's frames", unit="1/s", is_nullable=True),
            column("difficulty", pa.string(), "the benchmark's knobs, and what it knows of the sample", unit="JSON"),
        ]
    ),
    keys=("benchmark", "sample_id"),
)


def missing(path: Path) -> str | None:
    """Say why a benchmark's file has no samples; None where it has, or is not written yet.

    Raises: InputError where the file is damaged.
    """
    return header(path).get(MISSING) if path.is_file() else None


def is_still(path: Path) -> bool:
    """Tell whether no sample of a benchmark is a video; not where its file is not written yet."""
    if not path.is_file():
        return False
    fps = TABLE.read(path, columns=["fps"])["fps"]
    return bool(fps.null_count == len(fps))


def is_judged(path: Path) -> bool:
    """Tell whether a judge must grade answers to a benchmark's samples; not where its file is not written yet."""
    return path.is_file() and JUDGED in TABLE.read(path, columns=["rule"])["rule"].to_pylist()
