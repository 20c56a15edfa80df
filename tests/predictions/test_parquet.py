"""Parquet that somebody else wrote: every spelling of a type gives the same numbers, any other is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm.errors import InputError
from tests.predictions.written import said, scored

TEXT = pa.string()
ROWS = [
    {"model": "m", "recipe": recipe, "benchmark": "b", "sample_id": f"{index}", "answer": answer, "new_tokens": 3}
    | {"answers": ["cat", "kitten"], "rule": "exact", "grade": float(answer == "cat")}
    for recipe, spoken in (("controls/full", ["cat"] * 4), ("fast", ["cat", "cat", "dog", "dog"]))
    for index, answer in enumerate(spoken)
]
GRADED, RULED = [[name for name in ROWS[0] if name not in left] for left in ({"answers", "rule"}, {"grade"})]
Written = Callable[..., Path]


@pytest.fixture
def ops(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], list[tuple[str, float]]]:
    """What reads a folder and returns every recipe's OP."""
    return lambda folder: [(row["recipe"], row["op"]) for row in scored(lambda: capsys.readouterr().out, folder)]


def table(names: list[str]) -> pa.Table:
    return pa.Table.from_pylist(ROWS).select(names)


def written(folder: Path, found: pa.Table, **settings: Any) -> Path:
    pq.write_table(found, folder / "a.parquet", **settings)
    return folder


def cast(found: pa.Table, name: str, kind: pa.DataType) -> pa.Table:
    return found.set_column(found.column_names.index(name), name, found.column(name).cast(kind))


SAME = {
    "large": lambda found: cast(cast(found, "answer", pa.large_string()), "model", pa.large_string()),
    "dictionary": lambda found: cast(found, "answer", TEXT).set_column(
        found.column_names.index("recipe"), "recipe", found.column("recipe").dictionary_encode()
    ),
    "view": lambda found: cast(found, "answer", pa.string_view()),
    "bytes": lambda found: cast(found, "answer", pa.binary()),
    "whole ids": lambda found: cast(found, "sample_id", pa.int64()),
    "long counts": lambda found: cast(found, "new_tokens", pa.int64()),
    "another column": lambda found: found.append_column("notes", pa.array([{"a": [1]}] * len(found))),
    "another column twice": lambda found: found.append_column("n", found["model"]).append_column("n", found["model"]),
    "another order": lambda found: found.select(list(reversed(found.column_names))),
}


@pytest.mark.parametrize("names", [GRADED, RULED])
@pytest.mark.parametrize("change", SAME)
def test_the_same_in_another_type_is_the_same(change: str, names: list[str], tmp_path: Path, ops: Any) -> None:
    assert ops(written(tmp_path, SAME[change](table(names)))) == [("controls/full", 1.0), ("fast", 0.5)]


@pytest.mark.parametrize("kind", [pa.large_list(pa.large_string()), pa.list_(pa.large_string()), pa.list_(TEXT, 2)])
def test_right_answers_may_be_any_list_of_texts(kind: pa.DataType, tmp_path: Path, ops: Any) -> None:
    assert ops(written(tmp_path, cast(table(RULED), "answers", kind)))[1] == ("fast", 0.5)


@pytest.mark.parametrize("kind", [pa.float32(), pa.int8(), pa.bool_(), pa.decimal128(5, 2), TEXT])
def test_a_grade_may_be_any_number(kind: pa.DataType, tmp_path: Path, ops: Any) -> None:
    grades = {pa.bool_(): bool, TEXT: str}.get(kind, lambda grade: Decimal(grade) if "decimal" in str(kind) else grade)
    found = table(GRADED)
    column = pa.array([grades(row["grade"]) for row in ROWS], kind, safe=False)
    found = found.set_column(found.column_names.index("grade"), "grade", column)
    assert ops(written(tmp_path, found))[1] == ("fast", 0.5)


@pytest.mark.parametrize(
    ("sure", "new_tokens"), [(0.5, 3), (float("nan"), 3), (-float("inf"), 3), (-1.0, 0), (-1.0, None)]
)
def test_a_log_probability_that_can_be_none_is_refused(sure: float, new_tokens: int | None, tmp_path: Path) -> None:
    found = pa.Table.from_pylist([row | {"log_probability": sure, "new_tokens": new_tokens} for row in ROWS])
    with pytest.raises(InputError, match=r"a\.parquet.*the log_probability is .* and new_tokens .*0 at most"):
        scored(str, written(tmp_path, found))


@pytest.mark.parametrize("name", list(ROWS[0]))
def test_a_column_twice_is_refused_by_name(name: str, tmp_path: Path) -> None:
    found = pa.Table.from_pylist(ROWS)
    with pytest.raises(InputError, match=rf"a\.parquet has the column {name} twice, .*; leave one"):
        scored(str, written(tmp_path, found.append_column(name, found[name])))


@pytest.mark.parametrize("name", list(ROWS[0]))
@pytest.mark.parametrize("value", [{"a": 1}, [[1]], [{"a": "b"}], "x", b"\xff", 2.5, None, []])
def test_a_column_of_any_type_is_right_or_refused(
    name: str, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = pa.Table.from_pylist(ROWS)
    column = pa.array([value] * len(ROWS))
    found = found.set_column(found.column_names.index(name), name, column)
    told = said(lambda: capsys.readouterr().out, written(tmp_path, found))
    if isinstance(told, str):
        assert "a.parquet" in told or "m has no recipe" in told or "answered sample" in told
        assert len(told.replace(str(tmp_path), "")) <= 300
        assert "\n" not in told
    else:
        assert len(told) == 2


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    found = table(GRADED)
    bad = pa.Array.from_buffers(TEXT, 8, pa.array(["\x7f"] * 8).buffers())
    raw = bad.buffers()[2].to_pybytes().replace(b"\x7f", b"\xff")
    bad = pa.Array.from_buffers(TEXT, 8, [None, bad.buffers()[1], pa.py_buffer(raw)])
    found = found.set_column(found.column_names.index("answer"), "answer", bad)
    with pytest.raises(InputError, match=r"a\.parquet cannot be read as Parquet \(.*UTF8"):
        scored(str, written(tmp_path, found))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hold no prediction"):
        scored(str, written(tmp_path, table(GRADED).slice(0, 0)))


@pytest.mark.parametrize("seed", range(40))
def test_a_cut_file_or_another_is_refused_in_a_sentence(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    whole = (written(tmp_path, table(GRADED)) / "a.parquet").read_bytes()
    other = rng.choice([whole[: rng.randrange(len(whole))], rng.randbytes(200), b"PAR1" + rng.randbytes(99) + b"PAR1"])
    (tmp_path / "a.parquet").write_bytes(other)
    with pytest.raises(InputError, match=r"a\.parquet cannot be read as Parquet") as caught:
        scored(str, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["model", "recipe", "benchmark", "sample_id"])
@pytest.mark.parametrize("blank", ["", " ", "\u200b"])
def test_a_name_that_is_empty_is_refused(name: str, blank: str, tmp_path: Path) -> None:
    rows = [row | {name: blank} if index == 2 else row for index, row in enumerate(ROWS)]
    with pytest.raises(InputError, match=r"a\.parquet line 3: .* are names, and one of them is empty"):
        scored(str, written(tmp_path, pa.Table.from_pylist(rows)))


@pytest.mark.parametrize("name", ["answer", "answers", "sample_id", "new_tokens"])
def test_a_truth_value_is_refused_where_a_text_or_a_number_stands(name: str, tmp_path: Path) -> None:
    rows = [row | {name: [True] if name == "answers" else row["sample_id"] == "0"} for row in ROWS]
    found = said(str, written(tmp_path, pa.Table.from_pylist(rows).select(RULED)))
    assert found.startswith(f"{tmp_path}/a.parquet: {name} is ")
    assert "bool" in found


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"new_tokens": -1}, "a.parquet line 5: new_tokens is -1; it counts what was said: 0 or more"),
        ({"kind": "color"}, "sample 0 of b has other right answers, rule, options, kind or group elsewhere"),
    ],
)
def test_a_row_that_would_be_counted_otherwise_is_named(
    changed: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    rows = [row | {"kind": "pet"} | (changed if index == 4 else {}) for index, row in enumerate(ROWS)]
    assert sentence in said(str, written(tmp_path, pa.Table.from_pylist(rows).select([*RULED, "kind"])))


@pytest.mark.parametrize(("right", "options"), [("1", None), ("E", ["a cat", "a dog"]), ("a hen", ["a cat", "a dog"])])
def test_a_choice_that_nobody_can_make_is_refused(right: str, options: list[str] | None, tmp_path: Path) -> None:
    rows = [row | {"answers": [right], "rule": "choice", "options": options} for row in ROWS]
    schema = table(RULED).schema.append(pa.field("options", pa.list_(TEXT)))
    found = said(str, written(tmp_path, pa.Table.from_pylist(rows, schema=schema)))
    assert found.startswith(f"{tmp_path}/a.parquet line 1: sample 0 of b: by the rule choice no answer is right where")
