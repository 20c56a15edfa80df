"""The summary tells the store's numbers, and the README's table is the summary's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from synthetic_grid import RECIPES, Grid

from leanvlm.errors import InputError
from leanvlm.report import readme, summary

EMPTY = f"# leanvlm\n\n{readme.BEGIN}\nold\n{readme.END}\n\nMore.\n"


@pytest.fixture(scope="module")
def told(whole: duckdb.DuckDBPyConnection) -> str:
    """The summary of a whole grid, as written."""
    return summary.dumps(summary.summarise(whole))


@pytest.fixture
def checkout(tmp_path: Path, told: str) -> Path:
    """A folder with a README whose table is stale."""
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "summary.json").write_text(told, encoding="utf-8")
    (tmp_path / "README.md").write_text(EMPTY, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the module as CI does."""
    command = [sys.executable, "-m", "leanvlm.report.readme", *arguments]
    root = Path(readme.__file__).parents[2]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )


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
        assert rows[recipe]["overall_performance"] == round(value, 4)


def test_table_shows_the_best_of_each_family_and_setting(told: str) -> None:
    lines = readme.table(json.loads(told)).splitlines()
    recipes = [line.split("`")[1] for line in lines if line.startswith("| ") and "`" in line]
    assert recipes[0] == "controls/full"
    assert recipes[-1] == "controls/blind"
    assert "cache/snapkv@10%" in recipes
    assert "cache/streaming@10%" not in recipes
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_table_of_an_untimed_grid_has_dashes(store_of: Callable[[Grid], duckdb.DuckDBPyConnection]) -> None:
    text = readme.table(summary.summarise(store_of(Grid(has_timings=False))))
    assert "Not timed." in text
    assert "×" not in text


def test_check_detects_staleness_and_rewriting_cures_it(checkout: Path) -> None:
    stale = run(checkout, "--check")
    assert stale.returncode == 1
    assert stale.stderr.count("\n") == 1
    assert "README.md is stale" in stale.stderr
    assert (checkout / "README.md").read_text(encoding="utf-8") == EMPTY
    assert run(checkout).returncode == 0
    fresh = run(checkout, "--check")
    assert (fresh.returncode, fresh.stderr) == (0, "")
    assert (
        (checkout / "README.md")
        .read_text(encoding="utf-8")
        .startswith(f"# leanvlm\n\n{readme.BEGIN}\n{len(RECIPES)} recipes")
    )
    assert (checkout / "README.md").read_text(encoding="utf-8").endswith(f"\n{readme.END}\n\nMore.\n")


def test_missing_summary_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(EMPTY, encoding="utf-8")
    failed = run(tmp_path, "--check")
    assert failed.returncode == 2
    assert failed.stderr.startswith("leanvlm: there is no artifacts/summary.json")


@pytest.mark.parametrize("text", ["no markers", readme.BEGIN, f"{readme.END}{readme.BEGIN}", EMPTY + EMPTY])
def test_readme_without_its_two_markers_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="must hold"):
        readme.renew(text, "results")
