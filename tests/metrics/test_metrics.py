"""Every metric answers its worked examples, says truly what it reads, and repeats itself to the bit.

An example gives rows of some tables or metrics; the rest is empty, or computed from what it gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from leanvlm import store, tally

HERE = Path(__file__).parent
NAMES = [metric.name for metric in tally.metrics()]
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['case']}")
    for path in sorted(HERE.glob("*.yaml"))
    for case in YAML(typ="safe").load(path)
]
HEADER = ("Grain", "Unit", "Source", "Reads", "Undefined")


def computed(
    root: Path, given: dict[str, list[dict[str, Any]]], *, wanted: str | None = None, threads: int = 2
) -> store.Connection:
    """Return a store in which the given rows stand and every metric, or all that `wanted` needs, is computed."""
    for table in store.TABLES:
        table.write([], root / store.path_of(table.name))
    connection = store.connect(root, benchmarks=[])
    connection.execute(f"set threads = {threads}; set variable resamples = 200; set variable seed = 0")
    for name in ("samples", *(table.name for table in store.TABLES)):
        _insert(connection, name, given.get(name, []))
    needed = _needed(wanted) if wanted else set(NAMES)
    for metric in tally.metrics():
        if metric.name not in needed:
            continue
        connection.execute(f"create table {metric.name} as {metric.sql}")
        _insert(connection, metric.name, given.get(metric.name, []))
    return connection


def _needed(name: str) -> set[str]:
    reads = {metric.name: metric.reads for metric in tally.metrics()}
    return {name}.union(*(_needed(read) for read in reads[name] if read in reads))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Connection]:
    with computed(tmp_path_factory.mktemp("empty"), {}) as connection:
        yield connection


def _insert(connection: store.Connection, name: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.register("rows", pa.Table.from_pylist(rows))
        connection.execute(f"insert into {name} by name from rows")
        connection.unregister("rows")


@pytest.mark.parametrize(("name", "case"), CASES)
def test_metric_answers_its_example(name: str, case: dict[str, Any], tmp_path: Path) -> None:
    only = f"where {case['where']}" if "where" in case else ""
    with computed(tmp_path, case["given"], wanted=name) as connection:
        rows = connection.sql(f"from {name} {only}").to_arrow_table().to_pylist()
    assert len(rows) == len(case["expect"])
    for row, expected in zip(rows, case["expect"], strict=True):
        for column, wanted in expected.items():
            assert _is_same(row[column], wanted, within=case.get("within", 1e-9)), (
                column,
                row[column],
                wanted,
            )


def _is_same(found: object, wanted: object, *, within: float) -> bool:
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=0, abs_tol=within)
    return found == wanted


@pytest.mark.parametrize("name", NAMES)
def test_metric_has_an_example(name: str) -> None:
    assert (HERE / f"{name}.yaml").is_file()


@pytest.mark.parametrize("metric", tally.metrics(), ids=NAMES)
def test_header_is_complete_and_true(metric: tally.Metric, empty: store.Connection) -> None:
    assert metric.sql.startswith(f"-- {metric.name}: ")
    for key in HEADER:
        assert metric.header(key).endswith("."), key
    assert set(metric.reads) == empty.get_table_names(metric.sql)


@pytest.mark.parametrize("name", tally.published())
def test_the_number_is_in_the_column_of_the_files_name(name: str, empty: store.Connection) -> None:
    assert name in [column for (column, *_) in empty.execute(f"describe {name}").fetchall()]


def _many_grades() -> dict[str, list[dict[str, Any]]]:
    """Thirds and sevenths, whose sums differ in the last digits when the order of adding does."""
    recipes = ("controls/full", "controls/blind", "controls/random_tokens@10%", "tokens/fastv@10%")
    samples = [{"benchmark": b, "sample_id": f"{i}", "group_id": f"{i // 2}"} for b in "abc" for i in range(300)]
    grades = [
        {"model": "m", "recipe": recipe, **sample, "grade": ((index * 7 + place) % 22) / 21}
        for place, recipe in enumerate(recipes)
        for index, sample in enumerate(samples)
    ]
    kinds = {"controls/full": "none", "controls/blind": "image"}
    cells = [
        {
            "model": "m",
            "recipe": r,
            "benchmark": b,
            "family": r.split("/")[0],
            "acts_on": kinds.get(r, "tokens"),
        }
        for r in recipes
        for b in "abc"
    ]
    parts = [
        {"model": "m", "recipe": r, "position": 1, "method": r.split("@")[0], "setting": "10%"} for r in recipes[2:]
    ]
    for row in grades:
        del row["group_id"]
    return {"samples": samples, "grades": grades, "cells": cells, "parts": parts}


def test_metrics_are_the_same_to_the_bit_on_any_number_of_threads(tmp_path: Path) -> None:
    found = []
    for threads in (1, 2, 4, 4):
        with computed(tmp_path, _many_grades(), threads=threads) as connection:
            found.append({name: connection.execute(f"from {name}").fetchall() for name in tally.published()})
    assert found[0]["beats_control"]
    assert all(other == found[0] for other in found[1:])


def test_standard_error_is_near_the_textbooks(tmp_path: Path) -> None:
    samples = [{"benchmark": "a", "sample_id": f"{i}", "group_id": f"{i}"} for i in range(400)]
    grades = [
        {"model": "m", "recipe": "r", "benchmark": "a", "sample_id": f"{i}", "grade": float(i % 4 == 0)}
        for i in range(400)
    ]
    with computed(tmp_path, {"samples": samples, "grades": grades}) as connection:
        [(mean, error)] = connection.execute("select accuracy, standard_error from accuracy").fetchall()
    assert mean == 0.25
    assert math.isclose(error, math.sqrt(0.25 * 0.75 / 400), rel_tol=0.15)


def test_samples_of_one_picture_count_together(tmp_path: Path) -> None:
    """Ten copies of 40 pictures say no more than the 40 pictures do."""
    rows = [{"benchmark": "a", "sample_id": f"{i}", "group_id": f"{i % 40}"} for i in range(400)]
    grades = [
        {"model": "m", "recipe": "r", "benchmark": "a", "sample_id": f"{i}", "grade": float(i % 40 < 10)}
        for i in range(400)
    ]
    with computed(tmp_path, {"samples": rows, "grades": grades}) as connection:
        [(error,)] = connection.execute("select standard_error from accuracy").fetchall()
    assert math.isclose(error, math.sqrt(0.25 * 0.75 / 40), rel_tol=0.2)
