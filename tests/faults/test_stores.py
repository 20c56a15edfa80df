"""DuckDB files whose bytes change: a query's rows are those of before, or it is refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from leanvlm.errors import RunError
from leanvlm.store.query import Answer, query
from tests.faults import refusal
from tests.faults.damage import damaged

TRIES = 120
SQL = "select recipe, benchmark, sample_id, grade from grades order by all"


@pytest.fixture(scope="module")
def right(stored: Path) -> Answer:
    return query(stored, SQL)


def test_its_rows_are_right_or_refused(rng: random.Random, stored: Path, right: Answer, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(damaged(stored.read_bytes(), rng))
    spoilt = path.read_bytes()

    def ask() -> None:
        try:
            assert query(path, SQL) == right
        except RunError as error:
            assert len(str(error)) < 300  # noqa: PT017

    refusal(ask)
    assert path.read_bytes() == spoilt
