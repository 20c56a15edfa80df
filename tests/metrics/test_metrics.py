"""Every metric answers its worked examples, says truly what it reads, and repeats itself to the bit.

An example gives rows of some tables or metrics; the rest is empty, or computed from what it gives.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from leanvlm import store
from leanvlm.metrics import tally
from tests.metrics.random_grid import random_grid
from tests.metrics.stores import BY_NAME, NAMES, computed

HERE = Path(__file__).parent
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['case']}")
    for path in sorted(HERE.glob("*.yaml"))
    for case in YAML(typ="safe").load(path)
]
HEADER = ("Grain", "Unit", "Source", "Reads", "Undefined")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Connection]:
    with computed(tmp_path_factory.mktemp("empty"), {}) as connection:
        yield connection


@pytest.mark.parametrize(("name", "case"), CASES)
def test_metric_answers_its_example(name: str, case: dict[str, Any], tmp_path: Path) -> None:
    only = f"where {case['where']}" if "where" in case else ""
    with computed(tmp_path, case["given"], wanted=name) as connection:
        rows = connection.sql(f"from {BY_NAME[name].table} {only}").to_arrow_table().to_pylist()
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
    names = empty.get_table_names(metric.sql, qualified=True)
    assert set(metric.reads) == {name.split(" AS ")[0] for name in names}


@pytest.mark.parametrize("name", tally.published())
def test_the_number_is_in_the_column_of_the_files_name(name: str, empty: store.Connection) -> None:
    assert name in [column for (column, *_) in empty.execute(f"describe {name}").fetchall()]


@pytest.fixture(scope="module")
def on_one_thread(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    with computed(tmp_path_factory.mktemp("one"), random_grid(0), threads=1) as connection:
        return _everything(connection)


def _everything(connection: store.Connection) -> dict[str, list[Any]]:
    return {name: connection.execute(f"from {name}").fetchall() for name in tally.published()}


def test_random_grid_gives_every_metric_rows(on_one_thread: dict[str, list[Any]]) -> None:
    assert [name for name, rows in on_one_thread.items() if not rows] == []


@pytest.mark.parametrize("threads", [2, 4])
def test_metrics_are_the_same_to_the_bit_on_any_number_of_threads_and_in_any_order(
    threads: int, on_one_thread: dict[str, list[Any]], tmp_path: Path
) -> None:
    grid = random_grid(0)
    for rows in grid.values():
        random.Random(threads).shuffle(rows)
    with computed(tmp_path, grid, threads=threads) as connection:
        assert _everything(connection) == on_one_thread


def test_another_grid_gives_other_metrics(on_one_thread: dict[str, list[Any]], tmp_path: Path) -> None:
    with computed(tmp_path, random_grid(1)) as connection:
        assert [name for name, rows in _everything(connection).items() if rows == on_one_thread[name]] == []


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


@pytest.mark.parametrize(
    ("n_apart", "expected"),
    [(0, [(1, 2), (1, 2)]), (2, [(1, 2), (1, 2)]), (5, [(1, 1), (2, 2)]), (20, [(1, 1), (2, 2)])],
)
def test_ranks_tie_only_within_the_paired_error(n_apart: int, expected: list[tuple[int, int]], tmp_path: Path) -> None:
    """40 questions, all right in full and in a; b gets n of them wrong.

    A replicate sees none of the n with the chance exp(-n): 0.14 for n = 2, so that the interval of the difference
    holds 0 (a tie), and 0.007 < 0.025 for n = 5. The delta method agrees: 1.96 standard errors,
    sqrt(n (1 - n/40)^2 + (40 - n) (n/40)^2) / 40, are 0.068 > 2/40 and 0.102 < 5/40.
    """
    wrong = {"controls/full": 0, "tokens/a": 0, "tokens/b": n_apart}
    cells = [
        {"model": "m", "recipe": recipe, "benchmark": "x", "family": recipe.split("/")[0], "acts_on": "tokens"}
        for recipe in wrong
    ]
    samples = [{"benchmark": "x", "sample_id": f"{i}", "group_id": f"{i}"} for i in range(40)]
    grades = [
        {"model": "m", "recipe": recipe, "benchmark": "x", "sample_id": f"{i}", "grade": float(i >= n)}
        for recipe, n in wrong.items()
        for i in range(40)
    ]
    with computed(tmp_path, {"cells": cells, "samples": samples, "grades": grades}) as connection:
        ranks = connection.execute("select best_rank, worst_rank from rank_stability order by recipe").fetchall()
    assert ranks == expected
