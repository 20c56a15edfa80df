"""Predictions as Parquet of other types, files and writers: the same numbers; damaged or impossible: refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm.errors import InputError
from tests.faults import refusal
from tests.faults.damage import damaged
from tests.predictions.test_parquet import GRADED, RULED, SAME, table
from tests.predictions.written import scored

TRIES = 200
KEYS = ("model", "recipe", "benchmark", "sample_id")
WRITERS: tuple[dict[str, Any], ...] = (
    *({}, {"compression": "gzip"}, {"row_group_size": 1}, {"version": "1.0"}, {"use_dictionary": False}),
    *({"data_page_version": "2.0"}, {"write_statistics": False}, {"store_schema": False}, {"compression": "none"}),
)


def with_value(found: pa.Table, name: str, value: object, rng: random.Random) -> pa.Table:
    values = found[name].to_pylist()
    values[rng.randrange(len(values))] = value
    kind = found.schema.field(name).type
    return found.set_column(found.column_names.index(name), name, pa.array(values, kind, safe=False))


def impossible(found: pa.Table, rng: random.Random) -> pa.Table:
    """Make one value or row what none can be."""
    kind = rng.choice(("null", "blank", "grade", "lost", "twice", "answers", "lacks"))
    if kind in ("null", "blank"):
        return with_value(found, rng.choice(KEYS), None if kind == "null" else rng.choice(["", " ", "\u200b"]), rng)
    if kind == "grade" and "grade" in found.column_names:
        return with_value(found, "grade", rng.choice([2.0, -1.0, float("nan"), float("inf"), 1.0001]), rng)
    if kind == "answers" and "answers" in found.column_names:
        return with_value(found, "answers", rng.choice([None, [], [""], [None], ["None"], ["a\0"]]), rng)
    if kind == "lacks":
        return found.drop_columns([rng.choice([*KEYS, "answer"])])
    at = rng.randrange(len(found))
    if kind == "lost":
        return pa.concat_tables([found.slice(0, at), found.slice(at + 1)])
    return pa.concat_tables([found, found.slice(at, 1)])


def write(folder: Path, found: pa.Table, rng: random.Random) -> None:
    """Write one to three files with the settings of any writer."""
    cuts = sorted(rng.sample(range(1, len(found)), rng.randint(0, 2)))
    for start, end in zip([0, *cuts], [*cuts, len(found)], strict=True):
        part = found.slice(start, end - start)
        pq.write_table(part, folder / f"{start}.parquet", write_page_checksum=True, **rng.choice(WRITERS))


def test_it_is_as_before_or_refused(rng: random.Random, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask: Callable[[], list[Any]] = lambda: scored(lambda: capsys.readouterr().out, tmp_path)  # noqa: E731
    found = table(rng.choice([GRADED, RULED]))
    kind = rng.choice(("same", "damaged", "impossible"))
    if kind == "same":
        found = SAME[rng.choice(list(SAME))](found)
    write(tmp_path, impossible(found, rng) if kind == "impossible" else found, rng)
    if kind == "damaged":
        path = rng.choice(sorted(tmp_path.iterdir()))
        path.write_bytes(damaged(path.read_bytes(), rng))
    if kind == "impossible":
        with pytest.raises(InputError):
            ask()
    elif kind == "same" or refusal(ask) is None:
        assert [(row["recipe"], row["op"]) for row in ask()] == [("controls/full", 1.0), ("fast", 0.5)]
