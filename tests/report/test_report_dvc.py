"""`dvc metrics` and `dvc plots` show the page's numbers and drawings, and ask nothing of the network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from leanvlm.recipes import slug
from stages import report
from tests.report.synthetic_grid import RECIPES, Grid, build

ROOT = Path(__file__).parents[2]
STALE = ("artifacts/plots/embedded-curve-tokens-gone.svg", "artifacts/scores/embedded/tokens-gone-10.json")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose report stage ran on a synthetic store."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".dvc").mkdir()
    (folder / "artifacts").mkdir()
    for name in ("dvc.yaml", "params.yaml", "artifacts/checkpoints.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n    check_update = false\n")
    build(folder / "artifacts/leanvlm.duckdb", Grid())
    for stale in STALE:
        (folder / stale).parent.mkdir(parents=True)
        (folder / stale).write_text("{}", encoding="utf-8")
    run(folder, str(ROOT / "stages/report.py"))
    return folder


def run(folder: Path, *command: str) -> str:
    """Run Python in the checkout, with DVC's own state in it too."""
    places = {"PYTHONPATH": str(ROOT), "DVC_SITE_CACHE_DIR": str(folder / ".site"), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=os.environ | places, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_metrics_are_the_summarys_numbers(checkout: Path) -> None:
    shown = json.loads(run(checkout, "-m", "dvc", "metrics", "show", "--json"))[""]["data"]
    numbers = {Path(path).stem: found["data"] for path, found in shown.items()}
    summary = json.loads((checkout / "artifacts/summary.json").read_text(encoding="utf-8"))
    assert set(numbers) == {slug(recipe) for recipe in RECIPES}
    for row in summary["answers"]["recipes"]:
        assert numbers[slug(row["recipe"])]["op"] == row["overall_performance"]
        assert numbers[slug(row["recipe"])]["worst"] == row["worst_accuracy_kept"]
    for row in summary["timings"]["recipes"]:
        assert numbers[slug(row["recipe"])]["speedup_prefill"] == row["prefill_speedup"]


def test_metrics_are_a_row_a_recipe(checkout: Path) -> None:
    header, *rows = run(checkout, "-m", "dvc", "metrics", "show").strip().splitlines()
    assert header.split()[:2] == ["Path", "memory"]
    assert len(rows) == len(RECIPES)
    assert max(map(len, rows)) < 200


def test_plots_are_pictures_and_need_no_script(checkout: Path) -> None:
    run(checkout, "-m", "dvc", "plots", "show", "-o", "shown")
    page = (checkout / "shown/index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page
    sources = re.findall(r'<img src="([^"]+)"', page)
    assert len(sources) == len(list((checkout / "artifacts/plots").iterdir())) > 5
    assert all((checkout / "shown" / source).is_file() for source in sources)


def test_every_drawing_stands_alone_and_is_the_pages(checkout: Path) -> None:
    page = (checkout / "artifacts/report/index.html").read_text(encoding="utf-8")
    for path in (checkout / "artifacts/plots").iterdir():
        svg = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert svg.split("</style>")[1].removesuffix("</svg>\n") in page


def test_the_stage_knows_the_embedded_model(checkout: Path) -> None:
    page = (checkout / "artifacts/report/index.html").read_text(encoding="utf-8")
    assert "embedded is this project's small embedded model" in page


def test_files_of_an_earlier_run_are_taken_away(checkout: Path) -> None:
    assert (checkout / "artifacts/plots").is_dir()
    assert not any((checkout / stale).exists() for stale in STALE)


def test_a_folder_without_a_file_is_there(tmp_path: Path) -> None:
    """DVC stops where an output is not there, as where a small grid has nothing to draw."""
    report._write_folder({}, tmp_path / "plots")
    assert (tmp_path / "plots").is_dir()
