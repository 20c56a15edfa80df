"""What is generated in README.md and docs/cli.md is complete, is checked, and is the same in every terminal."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from leanvlm import plugins
from leanvlm.commands import cli as command_line
from leanvlm.docs import blocks, cli, generate, results
from leanvlm.docs import plugins as lists
from leanvlm.errors import InputError
from leanvlm.report import summary
from tests.report.synthetic_grid import RECIPES, Grid, build

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- some:begin -->", "<!-- some:end -->"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The store of a grid that lacks nothing."""
    with duckdb.connect(str(build(tmp_path_factory.mktemp("store") / "a.duckdb", Grid())), read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def told(store: duckdb.DuckDBPyConnection) -> str:
    """The summary of a whole grid, as written."""
    return summary.dumps(summary.summarise(store))


@pytest.fixture
def checkout(tmp_path: Path, told: str) -> Path:
    """A folder with the project's pages, beside other results than README has."""
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts/summary.json").write_text(told, encoding="utf-8")
    for page in generate.PAGES:
        (tmp_path / page).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    return tmp_path


def run(folder: Path, *arguments: str, columns: str = "80") -> subprocess.CompletedProcess[str]:
    """Call the module as CI does, in a terminal of some width."""
    return subprocess.run(
        [sys.executable, "-m", "leanvlm.docs.generate", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": columns},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_finds_what_is_out_of_date_and_rewriting_cures_it(checkout: Path) -> None:
    before = (checkout / "README.md").read_text(encoding="utf-8")
    stale = run(checkout, "--check")
    assert (stale.returncode, stale.stderr.count("\n")) == (1, 1)
    assert "out of date: README.md" in stale.stderr
    assert (checkout / "README.md").read_text(encoding="utf-8") == before
    assert run(checkout, columns="200").returncode == 0
    fresh = run(checkout, "--check", columns="40")
    assert (fresh.returncode, fresh.stderr) == (0, "")
    after = (checkout / "README.md").read_text(encoding="utf-8")
    begin, end = blocks.markers("results")
    assert f"{begin}\n{len(RECIPES)} recipes" in after
    assert after.partition(begin)[0] == before.partition(begin)[0]
    assert after.partition(end)[2].partition("<!--")[0] == before.partition(end)[2].partition("<!--")[0]


@pytest.mark.parametrize(
    ("page", "old", "new"),
    [("docs/cli.md", "## leanvlm score", "## leanvlm grade"), ("README.md", "**SnapKV**", "**Snap**")],
)
def test_an_edited_block_is_out_of_date(checkout: Path, page: str, old: str, new: str) -> None:
    run(checkout)
    path = checkout / page
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert f"out of date: {page};" in run(checkout, "--check").stderr


def test_missing_summary_is_a_sentence(checkout: Path) -> None:
    (checkout / "artifacts/summary.json").unlink()
    failed = run(checkout, "--check")
    assert failed.returncode == 2
    assert failed.stderr.startswith("leanvlm: there is no artifacts/summary.json")


def test_damaged_summary_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is no summary"):
        results.read(tmp_path / "summary.json")


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, BEGIN + END + BEGIN + END, END + BEGIN + END])
def test_page_without_its_two_markers_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="a page must have"):
        blocks.renew(text, "some", "content", page="a page")


def test_only_what_is_between_the_markers_changes() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert blocks.renew(page, "some", "new", page="a page") == f"before\n{BEGIN}\nnew\n{END}\nafter"


def test_results_show_the_best_of_each_family_and_setting(told: str) -> None:
    lines = results.table(json.loads(told)).splitlines()
    recipes = [line.split("`")[1] for line in lines if line.startswith("| ") and "`" in line]
    assert recipes[0] == "controls/full"
    assert recipes[-1] == "controls/blind"
    assert "cache/snapkv@10%" in recipes
    assert "cache/streaming@10%" not in recipes
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_results_of_an_untimed_grid_have_dashes(told: str) -> None:
    text = results.table(json.loads(told) | {"timings": {"devices": [], "recipes": []}})
    assert "Not timed." in text
    assert "×" not in text


@pytest.mark.parametrize(("kind", "files"), [("methods", "methods/*/[a-z]*.py"), ("models", "models/[a-z]*.py")])
def test_each_plugin_has_a_row(kind: str, files: str) -> None:
    rows = lists.table(kind).splitlines()[2:]
    names = [row.split("`")[1].rpartition("/")[2] for row in rows]
    assert sorted(names) == sorted(path.stem for path in (ROOT / "leanvlm").glob(files))
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


def test_a_row_says_what_the_plugin_is_called_what_it_does_and_its_source() -> None:
    row = next(row for row in lists.table("methods").splitlines() if "`cache/snapkv`" in row)
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[1] == "**SnapKV**: keep the prompt positions that the last queries attend to."
    assert cells[2] == plugins.source("methods", "cache/snapkv")


def test_each_command_has_its_help_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "43")
    text = cli.reference()
    sections = re.findall(r"^## (leanvlm.*)\n\n```text\nusage: (leanvlm(?: [a-z-]+)?) \[-h\]", text, re.MULTILINE)
    assert [title for title, _ in sections] == [usage for _, usage in sections]
    assert [title.split()[-1] for title, _ in sections[1:]] == [command.name for command in command_line.COMMANDS]
    assert all(command.example in text for command in command_line.COMMANDS)
    monkeypatch.delenv("COLUMNS")
    assert cli.reference() == text


def test_the_layout_names_every_room() -> None:
    layout = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The layout")[2].partition("\n## ")[0]
    rooms = {path.parent.name for path in (ROOT / "leanvlm").glob("*/__init__.py")}
    assert set(re.findall(r"^leanvlm/(\w+)/", layout, re.MULTILINE)) == rooms
