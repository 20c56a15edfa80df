"""A table refuses what is not in its schema, and what is damaged on disk."""

from __future__ import annotations

from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm.errors import InputError, RunError
from leanvlm.tables._table import Table
from leanvlm.tables.from_row import from_row
from leanvlm.tables.grades import TABLE
from leanvlm.tables.samples import TABLE as SAMPLES
from tests.grid import UNPUBLISHED

NAMES = (
    "samples",
    "calibration",
    "audits",
    "costs",
    "answers",
    "cells",
    "parts",
    "skips",
    "grades",
    "judgements",
    "timings",
)
ROW: dict[str, Any] = {
    **dict.fromkeys(("model", "recipe", "benchmark", "sample_id"), "x"),
    "grade": 0.5,
    "published_grade": None,
    "published_reference": None,
    "outcome": "partly",
}


def rows(n: int) -> list[dict[str, Any]]:
    return [{**ROW, "sample_id": f"{index:04d}", "grade": index % 7 / 6} for index in range(n)]


def table(name: str) -> Table:
    found: Table = import_module(f"leanvlm.tables.{name}").TABLE
    return found


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "grades.parquet"
    TABLE.write(rows(5), path)
    assert TABLE.read(path).to_pylist() == rows(5)
    assert TABLE.read(path, columns=["grade"]).column_names == ["grade"]
    assert [file.name for file in path.parent.iterdir()] == ["grades.parquet"]


def test_lists_of_pictures_are_read_as_written(tmp_path: Path) -> None:
    row: dict[str, Any] = dict.fromkeys(SAMPLES.schema.names, "x") | UNPUBLISHED
    row |= {"answers": ["a", "b"], "images": [b"1", b"2"], "fps": 2.0}
    SAMPLES.write([row], tmp_path / "x.parquet")
    assert SAMPLES.read(tmp_path / "x.parquet").to_pylist() == [row]


@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_described_also_in_the_file(name: str, tmp_path: Path) -> None:
    table(name).write([], tmp_path / "x.parquet")
    stored = pq.read_schema(tmp_path / "x.parquet")
    assert all(field.metadata[b"description"] for field in stored)
    assert set(table(name).keys) <= set(stored.names)


@pytest.mark.parametrize("name", NAMES)
def test_the_grain_is_the_modules_first_line(name: str) -> None:
    first = (import_module(f"leanvlm.tables.{name}").__doc__ or "").splitlines()[0]
    assert first.startswith("One row per ")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({key: value for key, value in ROW.items() if key != "grade"}, "lacks the column grade"),
        ({**ROW, "greade": 1.0}, "does not know the column greade"),
        ({**ROW, "recipe": None}, r"grades\.recipe has 1 nulls and may have none"),
        ({**ROW, "grade": "much"}, r"grades\.grade must be double"),
    ],
)
def test_a_wrong_row_is_refused_by_its_column(row: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=said):
        TABLE.write([ROW, row], tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_an_arrow_table_is_cast_and_a_lossy_cast_is_refused(tmp_path: Path) -> None:
    small = pa.Table.from_pylist([ROW]).set_column(4, "grade", pa.array([1], pa.int8()))
    TABLE.write(small, tmp_path / "x.parquet")
    assert TABLE.read(tmp_path / "x.parquet").column("grade").to_pylist() == [1.0]
    texts = small.set_column(4, "grade", pa.array(["much"]))
    with pytest.raises(RunError, match=r"grades\.grade must be double"):
        TABLE.write(texts, tmp_path / "x.parquet")
    assert TABLE.read(tmp_path / "x.parquet").num_rows == 1


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "grades.parquet"
    with pytest.raises(InputError, match=r"grades\.parquet does not exist; run `make repro` to make it$"):
        TABLE.read(path)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99, 0.9999])
def test_a_truncated_file_is_one_sentence(share: float, tmp_path: Path) -> None:
    path = tmp_path / "grades.parquet"
    TABLE.write(rows(1000), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError) as caught:
        TABLE.read(path)
    assert str(caught.value).startswith(f"{path} is damaged (")
    assert str(caught.value).endswith("); run `make repro` to write it anew")
    assert "\n" not in str(caught.value)


def test_damage_is_one_sentence_also_where_rows_before_it_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "grades.parquet"
    pq.write_table(pa.Table.from_pylist(rows(40)), path, row_group_size=20, write_page_checksum=True)
    start = pq.ParquetFile(path).metadata.row_group(1).column(3).data_page_offset  # of sample_id
    whole = bytearray(path.read_bytes())
    whole[start + 60] ^= 1
    path.write_bytes(whole)
    found = islice(from_row(path, 0, columns=["sample_id"]), 16)
    assert [row["sample_id"] for row in found] == [f"{index:04d}" for index in range(16)]
    with pytest.raises(InputError, match=r"grades\.parquet is damaged \(.*\); run `make repro` to write it anew$"):
        list(from_row(path, 25, columns=["sample_id"]))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (pa.Table.from_pylist([{**ROW, "grade": 1}]), "model is string or null, not string"),
        (TABLE.empty().drop_columns(["grade"]), "it lacks grade"),
        (TABLE.empty().append_column("more", pa.array([], pa.int8())), "it has also more"),
        (TABLE.empty().select(TABLE.schema.names[::-1]), "its columns stand in another order"),
    ],
)
def test_another_schema_is_refused_by_its_difference(other: pa.Table, said: str, tmp_path: Path) -> None:
    pq.write_table(other, tmp_path / "grades.parquet")
    with pytest.raises(InputError, match=f"is not a table of grades .*{said}"):
        TABLE.read(tmp_path / "grades.parquet")
