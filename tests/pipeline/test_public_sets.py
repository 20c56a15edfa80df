"""From the data sets of the paper in the hub's cache to the report in one command, offline, with a judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from leanvlm import plugins
from tests.benchmarks import drawn_videos, public_sets
from tests.checkouts import write_params
from tests.judging.endpoint import Endpoint, says, serving
from tests.pipeline.test_hub import reproduce

pytest.importorskip("av")
RECIPES = ("controls/full", "cache/snapkv@40%")
PUBLIC = [name for name in plugins.ids("benchmarks") if hasattr(public_sets, name)]
JUDGED = {"imagedc", "llava_wilder", "mmvet"}
WINDOW = 8192  # tokens: LLaVA-Wilder's answers may have 4,096


@pytest.fixture
def judge() -> Iterator[Endpoint]:
    with serving() as endpoint:
        endpoint.treat = lambda said, n: says("0.5")
        yield endpoint


@pytest.fixture
def grid(checkout: Path, judge: Endpoint) -> Path:
    """A checkout whose grid asks all public benchmarks, of a model whose window holds their answers."""
    config = checkout / "artifacts/models/embedded/config.json"
    described = json.loads(config.read_text())
    described["text_config"]["max_position_embeddings"] = WINDOW
    config.write_text(json.dumps(described))
    public_sets.write_all(checkout / "home/hub")
    drawn_videos.write(checkout / "videos")
    write_params(checkout, RECIPES, n=2)
    path, yaml = checkout / "params.yaml", YAML(typ="safe")
    params = yaml.load(path)
    params["grid"]["benchmarks"] = PUBLIC
    params["benchmarks"] = {"ai2d": {"harness": "today"}, "video_mme": {"videos": "videos", "frames": 2}}
    params["judge"] = {"endpoint": judge.url, "model": "m", "dollars_per_million_in": 0, "dollars_per_million_out": 0}
    params["judge"] |= {"most_dollars": 0}
    params["clock"]["benchmark"] = "docvqa"
    params["calibration"] |= {"n": 1}
    with path.open("w") as file:
        yaml.dump(params, file)
    return checkout


def test_public_sets_become_a_report_with_both_grades(grid: Path, judge: Endpoint) -> None:
    done = reproduce(grid)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert len(PUBLIC) == 18
    said = pq.read_table(grid / "artifacts/answers.parquet").to_pylist()
    assert {(row["recipe"], row["benchmark"]) for row in said} == {(one, name) for one in RECIPES for name in PUBLIC}
    asked = {name: pq.read_table(grid / f"data/samples/{name}.parquet").to_pylist() for name in PUBLIC}
    assert all(len(rows) >= 2 for rows in asked.values())
    assert {row["published_rule"] for rows in asked.values() for row in rows} == {
        f"{'today' if name == 'ai2d' else 'paper'}/{name}" for name in PUBLIC
    }
    graded = pq.read_table(grid / "artifacts/grades.parquet").to_pylist()
    assert len(graded) == len(said)
    judged = [row for row in graded if row["benchmark"] in JUDGED]
    assert {row["benchmark"] for row in judged} == JUDGED
    for row in judged:  # random weights say nothing that shows, which is worth 0 without a judge
        assert (row["grade"], row["published_grade"], row["outcome"]) == (0, 0, "ungradable")
    assert judge.bodies == []
    assert pq.read_table(grid / "artifacts/skips.parquet").to_pylist() == []
    page = (grid / "artifacts/report/index.html").read_text()
    assert all(name in page for name in PUBLIC)
    scores = pq.read_table(grid / "artifacts/metrics/published_score.parquet").to_pylist()
    assert {row["benchmark"] for row in scores} == set(PUBLIC)
