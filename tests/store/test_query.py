"""A user's SQL reads the store and touches nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanvlm import query
from leanvlm.errors import InputError
from leanvlm.query import MOST_ROWS


def test_query_returns_columns_and_rows(stored: Path) -> None:
    sql = "select recipe, accuracy from accuracy where benchmark = 'short' and recipe = 'controls/full'"
    assert query.query(stored, sql) == (["recipe", "accuracy"], [("controls/full", 1.0)])


@pytest.mark.parametrize(
    "sql",
    [
        "copy grades to '{out}'",
        "copy (select 1) to '{out}' (format parquet)",
        "export database '{out}'",
        "attach '{out}' as other",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "from glob('/*')",
        "install httpfs",
        "load httpfs",
        "drop table grades",
        "delete from grades",
        "update grades set grade = 1",
        "insert into skips values ('a', 'b', 'c', 'd')",
        "create table mine as select 1",
        "set enable_external_access = true",
        "set memory_limit = '100GB'",
        "reset lock_configuration",
        "select 1; copy grades to '{out}'",
        "select * from hidden",
    ],
)
def test_hostile_sql_is_refused_in_one_sentence(sql: str, stored: Path, tmp_path: Path) -> None:
    hidden = [1, 2, 3]  # a Python variable, which SQL must not see
    before, out = stored.read_bytes(), tmp_path / "out"
    with pytest.raises(InputError) as caught:
        query.query(stored, sql.format(out=out))
    assert str(caught.value).startswith("the query cannot be answered: ")
    assert "\n" not in str(caught.value)
    assert not out.exists()
    assert stored.read_bytes() == before
    assert hidden


def test_runaway_query_is_stopped(stored: Path) -> None:
    sql = "select sum(a.range * b.range * c.range) from range(100000) a, range(100000) b, range(100000) c"
    with pytest.raises(InputError, match=r"took longer than 0\.3 seconds and was stopped"):
        query.query(stored, sql, timeout_seconds=0.3)


def test_memory_bomb_is_refused(stored: Path) -> None:
    sql = "select list(range order by random()) from range(200000000)"
    with pytest.raises(InputError, match=r"the query cannot be answered: |was stopped"):
        query.query(stored, sql, timeout_seconds=20)


def test_too_many_rows_are_refused(stored: Path) -> None:
    with pytest.raises(InputError, match=f"more than {MOST_ROWS} rows; add a limit"):
        query.query(stored, f"from range({MOST_ROWS + 1})")


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing"])
def test_empty_query_is_refused(sql: str, stored: Path) -> None:
    with pytest.raises(InputError, match="the query is empty or returns no columns"):
        query.query(stored, sql)


def test_a_misspelt_column_is_named(stored: Path) -> None:
    with pytest.raises(InputError, match="greade"):
        query.query(stored, "select greade from grades")


def test_missing_and_damaged_stores_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "leanvlm.duckdb"
    with pytest.raises(InputError, match=r"leanvlm\.duckdb does not exist; run `make repro` to make it"):
        query.query(path, "select 1")
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(InputError, match=r"leanvlm\.duckdb cannot be opened .*; delete it and run `make repro`"):
        query.query(path, "select 1")
