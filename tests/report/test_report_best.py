"""The first screen names, for each benchmark and prefill speed, the recipe that keeps most, or that none qualifies."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
import pytest

from leanvlm.report.best import best
from leanvlm.report.page import page
from leanvlm.report.queries import Row
from tests.report.synthetic_grid import BENCHMARKS, Grid

COLUMN = {1.5: 0, 2.0: 1, 3.0: 2}


@pytest.fixture(scope="module")
def told(whole: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """The first screen's cells by benchmark."""
    rows = best.table(whole, model="embedded", benchmarks=sorted(BENCHMARKS))["rows"]
    return {row["name"]: row["cells"] for row in rows}


@pytest.mark.parametrize("benchmark", BENCHMARKS)
@pytest.mark.parametrize("speedup", COLUMN)
def test_best_is_the_first_of_all_that_are_as_fast(
    told: dict[str, list[Row]], whole: duckdb.DuckDBPyConnection, benchmark: str, speedup: float
) -> None:
    found = whole.execute(
        "select recipe, accuracy_kept from accuracy_kept join overall_efficiency using (model, recipe) "
        "where benchmark = ? and phase = 'prefill' and overall_efficiency >= ? and recipe not like 'controls/%'",
        [benchmark, speedup],
    ).fetchall()
    expected = max(found, key=lambda row: row[1])[1] if found else None
    cell = told[benchmark][COLUMN[speedup]]
    assert cell.get("kept") == expected
    assert cell["recipe"] is None if expected is None else (cell["recipe"], expected) in found


def test_last_row_is_overall_performance(told: dict[str, list[Row]], whole: duckdb.DuckDBPyConnection) -> None:
    assert list(told) == [*sorted(BENCHMARKS), "op"]
    query = "select overall_performance, low, high from overall_performance where recipe = 'tokens/prumerge@5%'"
    cell = told["op"][COLUMN[2.0]]
    assert cell["recipe"] == "tokens/prumerge@5%"  # the only one that is twice as fast
    assert (cell["kept"], cell["low"], cell["high"]) == whole.execute(query).fetchone()


def test_recipe_that_a_control_beats_is_said_to_be_no_better(html: str, told: dict[str, list[Row]]) -> None:
    cell = told["op"][COLUMN[2.0]]
    assert not cell["is_earned"]
    assert cell["control"]["recipe"] == "controls/random_tokens@5%"
    line = _line(html, "all of them")
    assert "no better than <code>controls/random_tokens@5%</code>" in line


def test_fastest_recipe_is_named_where_none_qualifies(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    fastest = whole.execute(
        "select recipe, overall_efficiency from overall_efficiency where phase = 'prefill' "
        "and recipe not like 'controls/%' order by overall_efficiency desc limit 1"
    ).fetchone()
    assert fastest is not None
    assert f"starts fastest is <code>{fastest[0]}</code>, at\n{fastest[1]:.2f}×." in html


def test_fastest_recipe_that_keeps_enough_stands_first(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    keeper = whole.execute(
        "select recipe, overall_efficiency, ranked_performance from ranked_performance"
        " inner join overall_efficiency using (model, recipe) where phase = 'prefill' and ranked_performance >= 0.97"
        " and recipe not like 'controls/%' order by overall_efficiency desc limit 1"
    ).fetchone()
    assert keeper is not None
    said = f"<code>{keeper[0]}</code> starts fastest: <b>{keeper[1]:.2f}×</b>, keeping {100 * keeper[2]:.1f}&nbsp;%"
    assert said in html


def test_nothing_is_three_times_as_fast(html: str) -> None:
    for benchmark in (*BENCHMARKS, "all of them"):
        assert _line(html, benchmark).count("none qualifies") == 1


def test_untimed_grid_qualifies_nothing(store_of: Callable[[Grid], duckdb.DuckDBPyConnection]) -> None:
    text = page.render(store_of(Grid(has_timings=False)), n_flips=0)
    assert text.count("none qualifies") == 3 * (len(BENCHMARKS) + 1)
    assert "No recipe that was timed keeps 97 %" in text


def test_benchmark_that_the_full_model_fails_qualifies_nothing(
    store_of: Callable[[Grid], duckdb.DuckDBPyConnection],
) -> None:
    text = page.render(store_of(Grid(failed=("scenes",))), n_flips=5)
    assert _line(text, "scenes").count("none qualifies") == 3
    assert _line(text, "charts").count("none qualifies") == 1


def test_grid_that_the_full_model_fails_altogether_has_a_page(
    store_of: Callable[[Grid], duckdb.DuckDBPyConnection],
) -> None:
    text = page.render(store_of(Grid(failed=tuple(BENCHMARKS))), n_flips=0)
    assert "No recipe that was timed keeps 97 %" in text
    assert "starts fastest is <code>" in text


def _line(html: str, name: str) -> str:
    found = re.search(rf'<tr class="[a-z]*"><th scope="row">{name}.*?</tr>', html, re.DOTALL)
    assert found, name
    return found[0]
