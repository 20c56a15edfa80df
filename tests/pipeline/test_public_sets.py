"""From data sets in the hub's cache to the report in one command, offline; a set that is not there is a skip."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from tests.benchmarks import public, public_sets
from tests.checkouts import write_params
from tests.pipeline.test_hub import reproduce

RECIPES = ("controls/full", "controls/blind", "cache/snapkv@40%")
ASKED, ABSENT = ("docvqa", "mme", "ai2d"), "gqa"


@pytest.fixture
def grid(checkout: Path) -> Path:
    """A checkout whose grid asks three public benchmarks, one by its old name, and a fourth that is not here."""
    hub = checkout / "home/hub"
    public.write(hub, "lmms-lab/DocVQA", public_sets.docvqa())
    public.write(hub, "lmms-lab-encoder/MME", public_sets.mme())
    public.write(hub, "Efficient-Large-Model/ai2d-no-mask", public_sets.ai2d())
    write_params(checkout, RECIPES, n=3)
    path, yaml = checkout / "params.yaml", YAML(typ="safe")
    params = yaml.load(path)
    params["grid"]["benchmarks"] = [*ASKED, ABSENT]
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
    assert {name: len(rows) for name, rows in asked.items()} == {"docvqa": 3, "mme": 4, "ai2d": 3}
    assert {row["published_rule"] for rows in asked.values() for row in rows} == {
        *("paper/docvqa", "paper/mme", "today/ai2d")
    }
    graded = pq.read_table(grid / "artifacts/grades.parquet").to_pylist()
    assert len(graded) == len(said)
    assert all(0 <= row["published_grade"] <= 1 for row in graded)
    skipped = pq.read_table(grid / "artifacts/skips.parquet").to_pylist()
    assert {row["benchmark"] for row in skipped} == {ABSENT}
    assert all("hf download lmms-lab-encoder/GQA --repo-type dataset" in row["reason"] for row in skipped)
    page = (grid / "artifacts/report/index.html").read_text()
    assert all(name in page for name in (*ASKED, ABSENT))
