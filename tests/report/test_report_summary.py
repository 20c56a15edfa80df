"""The summary tells the store's numbers."""

from __future__ import annotations

import json
from collections.abc import Callable

import duckdb
import pytest

from leanvlm.report import summary
from tests.report.synthetic_grid import RECIPES, Grid


@pytest.fixture(scope="module")
def told(whole: duckdb.DuckDBPyConnection) -> str:
    """The summary of a whole grid, as written."""
    return summary.dumps(summary.summarise(whole))


def test_summary_is_sorted_rounded_and_repeatable(told: str, whole: duckdb.DuckDBPyConnection) -> None:
    assert told == json.dumps(json.loads(told), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert told == summary.dumps(summary.summarise(whole))


def test_summary_keeps_seconds_apart_from_answers(told: str) -> None:
    parts = json.loads(told)
    assert set(parts) == {"answers", "timings"}
    assert not any("speedup" in key for row in parts["answers"]["recipes"] for key in row)
    assert {row["recipe"] for row in parts["timings"]["recipes"]} == set(RECIPES)


def test_answers_do_not_depend_on_timings(told: str, store_of: Callable[[Grid], duckdb.DuckDBPyConnection]) -> None:
    untimed = summary.summarise(store_of(Grid(has_timings=False)))
    assert json.loads(summary.dumps(untimed))["answers"] == json.loads(told)["answers"]
    assert untimed["timings"] == {"devices": [], "recipes": []}


def test_summary_tells_the_numbers_of_the_store(told: str, whole: duckdb.DuckDBPyConnection) -> None:
    rows = {row["recipe"]: row for row in json.loads(told)["answers"]["recipes"]}
    asked = "select recipe, overall_performance from overall_performance where scope = 'all'"
    for recipe, value in whole.execute(asked).fetchall():
        assert rows[recipe]["overall_performance"] == round(value, 6)
