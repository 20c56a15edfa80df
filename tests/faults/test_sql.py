"""SQL that would write, read files, load code or change settings, in many guises: refused, and nothing is touched."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from leanvlm.store import query
from leanvlm.store.query import Limits
from tests.faults import refusal

TRIES = 250
ACTS = (
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
)
GUISES = (
    *("{0};", "/* select */ {0}", "-- select\n{0}", "\n\t{0}", "({0})", "select 1; {0}", "{0}; select 1", ";;{0}"),
    *("explain {0}", "explain analyze {0}", "with a as ({0}) from a", "with a as materialized ({0}) from a, a as b"),
    *("select * from ({0})", "select ({0})", "select exists ({0})", "select 1 union all ({0})", "from ({0}) limit 1"),
    *("execute {0}", "prepare p as {0}", "create view v as {0}", "select * from query('{1}')", "call query('{1}')"),
    *("create macro m() as table {0}", "pivot ({0}) on a", "summarize {0}", "describe {0}", "begin; {0}; commit"),
    *("from json_execute_serialized_sql(json_serialize_sql('{1}'))", "copy ({0}) to '{{out}}'", "select $${0}$$; {0}"),
)


def asked(path: Path, sql: str) -> query.Answer:
    """Ask without a process of its own, which costs most of a second."""
    with query.open_locked(path, limits=Limits()) as connection:
        return query.answer(connection, sql, limits=Limits())


def untouched(path: Path, sql: str, tmp_path: Path) -> str | None:
    """Ask; hold that nothing was written and no secret read; return the refusal."""
    before, out, rows = path.read_bytes(), tmp_path / "out", query.Answer
    hidden = [1, 2, 3]  # a Python variable, which SQL must not see

    def ask() -> None:
        nonlocal rows
        rows = asked(path, sql.replace("{out}", str(out)))

    said = refusal(ask)
    assert "root:" not in str(rows)
    assert not out.exists()
    assert path.read_bytes() == before
    assert hidden
    return said


@pytest.mark.parametrize("sql", ACTS)
def test_it_is_refused_as_it_stands(sql: str, stored: Path, tmp_path: Path) -> None:
    said = untouched(stored, sql, tmp_path)
    assert said
    assert said.startswith("the query cannot be answered: ")


def test_it_touches_nothing_in_any_guise(rng: random.Random, stored: Path, tmp_path: Path) -> None:
    sql = rng.choice(ACTS)
    for _ in range(rng.randint(1, 3)):
        sql = rng.choice(GUISES).replace("{{out}}", "{out}").replace("{1}", sql.replace("'", "''")).replace("{0}", sql)
    untouched(
        stored, "".join(rng.choice((sign, sign.upper())) for sign in sql) if "{out}" not in sql else sql, tmp_path
    )
