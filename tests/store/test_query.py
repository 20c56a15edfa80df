"""A user's SQL reads the store and touches nothing else."""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.store import query
from leanvlm.store.query import MOST_ROWS, Limits
from tests.faults.test_sql import asked


def test_query_returns_columns_and_rows(stored: Path) -> None:
    sql = "select recipe, accuracy from accuracy where benchmark = 'short' and recipe = 'controls/full'"
    assert query.query(stored, sql) == (["recipe", "accuracy"], [("controls/full", 1.0)])


@pytest.mark.parametrize(
    "sql", ["from grades", "show tables", "describe grades", "with a as (select 1) from a", "select 1;"]
)
def test_reading_is_allowed(sql: str, stored: Path) -> None:
    assert asked(stored, sql)[1]


@pytest.mark.parametrize(
    "sql",
    [
        "select sum(a.range * b.range * c.range) from range(100000) a, range(100000) b, range(100000) c",
        "with recursive n as (select 1 as n union all select n + 1 from n) select max(n) from n",
        "select count(*) from generate_series(1, 1000000000000)",
        # one call of one function, which DuckDB's own interrupt does not reach
        "select list_sum(list_transform(range(9000000), lambda x: sqrt(x)))",
    ],
)
def test_runaway_query_is_stopped_in_time(sql: str, stored: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"^the query took longer than 0\.3 seconds and was stopped$"):
        query.query(stored, sql, limits=Limits(seconds=0.3))
    assert time.monotonic() - begun < 10


def refused_in_a_process_of_its_own(path: Path, sql: str) -> tuple[str, int]:
    """Ask where no other test's child counts; return the refusal, and the most memory that a child took."""
    with pytest.raises(InputError) as caught:
        query.query(path, sql, limits=Limits(seconds=20, megabytes=128))
    return str(caught.value), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


@pytest.mark.parametrize(
    "sql",
    [
        "select a.range, b.range from range(100000) a, range(100000) b order by random()",
        "select list(range order by random()) from range(200000000)",
        # DuckDB's own limit does not count these
        "select repeat('a', 2000000000)",
        "select range(60000000)",
    ],
)
def test_memory_bomb_is_refused(sql: str, stored: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        said, most_kilobytes = alone.submit(refused_in_a_process_of_its_own, stored, sql).result()
    assert said.startswith("the query cannot be answered: it needs more memory than 128 MB")
    assert most_kilobytes < 1_500_000  # without the kernel's limit it takes 4 GB


def test_too_large_an_answer_is_refused(stored: Path) -> None:
    with pytest.raises(InputError, match="the answer is larger than 64 MB; ask for fewer columns or rows"):
        query.query(stored, "select repeat('x', 70000000)")


def test_too_many_rows_are_refused(stored: Path) -> None:
    with pytest.raises(InputError, match=f"more than {MOST_ROWS} rows; add a limit"):
        asked(stored, f"from range({MOST_ROWS + 1})")


@pytest.mark.parametrize("sql", ["", "  ", ";", "-- nothing"])
def test_empty_query_is_refused(sql: str, stored: Path) -> None:
    with pytest.raises(InputError, match="the query is empty; write a select"):
        asked(stored, sql)


def test_a_misspelt_column_is_named(stored: Path) -> None:
    with pytest.raises(InputError, match="greade"):
        query.query(stored, "select greade from grades")
