"""From data sets in the hub's cache to the report in one command, offline: all of the paper's that need no judge."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from leanvlm import plugins
from tests.benchmarks import public_sets
from tests.checkouts import write_params
from tests.pipeline.test_hub import reproduce

RECIPES = ("controls/full", "cache/snapkv@40%")
JUDGED = {"llava_wilder", "mmvet", "imagedc"}
ABSENT = {
    "gqa": "hf download lmms-lab-encoder/GQA --repo-type dataset",
    "video_mme": "fetch the videos with: hf download",
}
PUBLIC = [name for name in plugins.ids("benchmarks") if hasattr(public_sets, name)]
ASKED = [name for name in PUBLIC if name not in {*JUDGED, *ABSENT}]


@pytest.fixture
def grid(checkout: Path) -> Path:
    """A checkout whose grid asks all public benchmarks; of two the data are not here, or not all."""
    hub = checkout / "home/hub"
    public_sets.write_all(hub)
    shutil.rmtree(hub / "datasets--lmms-lab-encoder--GQA")
    write_params(checkout, RECIPES, n=2)
    path, yaml = checkout / "params.yaml", YAML(typ="safe")
    params = yaml.load(path)
    params["grid"]["benchmarks"] = PUBLIC
    params["benchmarks"] = {"ai2d": {"harness": "today"}}
    params["clock"]["benchmark"] = "docvqa"
    params["calibration"] |= {"n": 1}
    with path.open("w") as file:
        yaml.dump(params, file)
    return checkout


def test_public_sets_become_a_report_with_both_grades(grid: Path) -> None:
    done = reproduce(grid)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    said = pq.read_table(grid / "artifacts/answers.parquet").to_pylist()
    assert {(row["recipe"], row["benchmark"]) for row in said} == {(one, name) for one in RECIPES for name in ASKED}
    asked = {name: pq.read_table(grid / f"data/samples/{name}.parquet").to_pylist() for name in ASKED}
    assert all(len(rows) >= 2 for rows in asked.values())
    assert {row["published_rule"] for rows in asked.values() for row in rows} == {
        f"{'today' if name == 'ai2d' else 'paper'}/{name}" for name in ASKED
    }
    graded = pq.read_table(grid / "artifacts/grades.parquet").to_pylist()
    assert len(graded) == len(said)
    assert all(0 <= row["published_grade"] <= 1 for row in graded if row["benchmark"] != "mmbench")  # may ask a judge
    skipped = {row["benchmark"]: row["reason"] for row in pq.read_table(grid / "artifacts/skips.parquet").to_pylist()}
    assert set(skipped) == {*JUDGED, *ABSENT}
    assert all("needs a judge" in skipped[name] for name in JUDGED)
    assert all(command in skipped[name] for name, command in ABSENT.items())
    page = (grid / "artifacts/report/index.html").read_text()
    assert all(name in page for name in PUBLIC)
    scores = pq.read_table(grid / "artifacts/metrics/published_score.parquet").to_pylist()
    assert {row["benchmark"] for row in scores} == set(ASKED)
