"""The audit names every budget that was not kept to, and what is left in units that all methods share."""

from __future__ import annotations

import re

import duckdb
import pytest

from leanvlm.report.audit import audit
from leanvlm.report.leaderboard import leaderboard
from leanvlm.report.queries import Row
from tests.report.synthetic_grid import RECIPES, WASTEFUL


@pytest.fixture(scope="module")
def audited(whole: duckdb.DuckDBPyConnection) -> list[Row]:
    """The audit of a whole grid."""
    return audit.rows(whole, order=leaderboard.rows(whole))


def test_every_budget_is_audited(audited: list[Row]) -> None:
    parts = [part for recipe in RECIPES for part in recipe.split("+") if "@" in part]
    assert sorted(row["method"] for row in audited) == sorted(part.split("@")[0] for part in parts)


def test_only_the_wasteful_recipe_is_outside(audited: list[Row]) -> None:
    assert [row["recipe"] for row in audited if not row["is_within"]] == [WASTEFUL]
    assert (
        audit.summary(audited) == f"{len(audited) - 1} of {len(audited)} measured budgets are within what is allowed."
    )


def test_shared_units_are_those_of_the_grid(audited: list[Row]) -> None:
    for row in audited:
        assert row["cache_bytes_kept"] == pytest.approx(RECIPES[row["recipe"]].cache)


def test_page_shows_asked_and_achieved(html: str) -> None:
    row = re.search(rf'<tr><th scope="row" data-sort="{re.escape(WASTEFUL)}">.*?</tr>', html, re.DOTALL)
    assert row
    assert ">10 %<" in row[0]
    assert ">15 %<" in row[0]
    assert "outside" in row[0]


def test_what_was_not_measured_is_said() -> None:
    rows: list[Row] = [{"is_within": True}, {"is_within": None}]
    assert audit.summary(rows) == "1 of 1 measured budgets are within what is allowed; 1 were not measured."
