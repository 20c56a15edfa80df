"""A user's SQL reads the store and touches nothing else."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.store import query
from leanvlm.store.query import MOST_ROWS, Limits


def asked_here(path: Path, sql: str) -> query.Answer:
    """Ask without a process of its own, which costs most of a second."""
    with query.open_locked(path, limits=Limits()) as connection:
        return query.answer(connection, sql, limits=Limits())


def test_query_returns_columns_and_rows(stored: Path) -> None:
    sql = "select recipe, accuracy from accuracy where benchmark = 'short' and recipe = 'controls/full'"
    assert query.query(stored, sql) == (["recipe", "accuracy"], [("controls/full", 1.0)])


@pytest.mark.parametrize(
    "sql", ["from grades", "show tables", "describe grades", "with a as (select 1) from a", "select 1;"]
)
def test_reading_is_allowed(sql: str, stored: Path) -> None:
    assert asked_here(stored, sql)[1]


@pytest.mark.parametrize(
    "sql",
    [
        "copy grades to '{out}'",
        "copy (select 1) to '{out}' (format parquet)",
        "export database '{out}'",
        "attach '{out}' as other",
        "attach ':memory:' as other",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from read_json('/etc/passwd')",
        "select * from read_parquet('/etc/passwd')",
        "select * from sniff_csv('/etc/passwd')",
        "select * from query('from read_text(''/etc/passwd'')')",
        "select * from '/etc/passwd'",
        "from glob('/*')",
        "from duckdb_secrets()",
        "select getenv('HOME')",
        "install httpfs",
        "load httpfs",
        "drop table grades",
        "delete from grades",
        "delete from grades returning *",
        "update grades set grade = 1",
        "insert into skips values ('a', 'b', 'c', 'd')",
        "create table mine as select 1",
        "create temp table mine as select 1",
        "create macro mine() as 1",
        "set enable_external_access = true",
        "set memory_limit = '100GB'",
        "set variable seed = 1",
        "pragma memory_limit = '100GB'",
        "pragma enable_profiling",
        "from enable_logging()",
        "reset lock_configuration",
        "reset memory_limit",
        "checkpoint",
        "vacuum",
        "begin",
        "use memory",
        "prepare mine as select 1",
        "call pragma_version()",
        "select 1; select 2",
        "select 1; copy grades to '{out}'",
        "explain analyze insert into skips values ('a', 'b', 'c', 'd')",
        "select * from hidden",
    ],
)
def test_hostile_sql_is_refused_in_one_sentence(sql: str, stored: Path, tmp_path: Path) -> None:
    hidden = [1, 2, 3]  # a Python variable, which SQL must not see
    before, out = stored.read_bytes(), tmp_path / "out"
    with pytest.raises(InputError) as caught:
        asked_here(stored, sql.format(out=out))
    assert str(caught.value).startswith("the query cannot be answered: ")
    assert "\n" not in str(caught.value)
    assert not out.exists()
    assert stored.read_bytes() == before
    assert hidden


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
    with pytest.raises(InputError, match=r"^the query cannot be answered: it needs more memory than 128 MB"):
        query.query(stored, sql, limits=Limits(seconds=20, megabytes=128))
    most_kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert most_kilobytes < 1_500_000  # of all child processes so far; without the kernel's limit the first takes 4 GB


def test_too_large_an_answer_is_refused(stored: Path) -> None:
    with pytest.raises(InputError, match="the answer is larger than 64 MB; ask for fewer columns or rows"):
        query.query(stored, "select repeat('x', 70000000)")


def test_too_many_rows_are_refused(stored: Path) -> None:
    with pytest.raises(InputError, match=f"more than {MOST_ROWS} rows; add a limit"):
        asked_here(stored, f"from range({MOST_ROWS + 1})")


@pytest.mark.parametrize("sql", ["", "  ", ";", "-- nothing"])
def test_empty_query_is_refused(sql: str, stored: Path) -> None:
    with pytest.raises(InputError, match="the query is empty; write a select"):
        asked_here(stored, sql)


def test_a_misspelt_column_is_named(stored: Path) -> None:
    with pytest.raises(InputError, match="greade"):
        query.query(stored, "select greade from grades")
