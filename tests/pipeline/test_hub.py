"""From the ids of hub models to the report in one command, offline, out of a cache that was filled elsewhere.

Two small models are asked by default; `make test-hub` asks all seven published configurations.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from tests.checkouts import environment, write_params
from tests.models import published

SMALL = [one for one in published.ALL if one.architecture in ("idefics3", "lfm2_vl")]
IS_WHOLE = bool(os.environ.get("LEANVLM_HUB"))
TRIED = list(published.ALL) if IS_WHOLE else SMALL
GROUPED = "weights/rtn@w4a16-g128"  # groups as GPTQ does, which takes a minute for LFM2's widths
RECIPES = (
    *("controls/full", "cache/snapkv@40%", "weights/wanda@50%"),
    *(("controls/blind", "controls/random_tokens@40%", GROUPED) if IS_WHOLE else ()),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hub's cache with the models; to write them takes long, so it is done once."""
    home = tmp_path_factory.mktemp("cache") / "home"
    for one in TRIED:
        published.write(one, home)
    return home


@pytest.fixture
def hub(checkout: Path, cache: Path) -> Path:
    """A checkout whose grid asks models of the hub; the cache that has them lies in it."""
    shutil.copytree(cache, checkout / "home")
    write_params(checkout, RECIPES, n=1)
    path, yaml = checkout / "params.yaml", YAML(typ="safe")
    params = yaml.load(path)
    params["models"] = {one.name: {"checkpoint": f"{one.id}@main", "max_pixels": 60_000} for one in TRIED}
    params["models"][SMALL[0].name]["dtype"] = "bfloat16"
    params["grid"] |= {"models": list(params["models"]), "benchmarks": ["documents"]}
    params["calibration"] |= {"n": 1}
    with path.open("w") as file:
        yaml.dump(params, file)
    return checkout


def reproduce(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "leanvlm.pipeline.reproduce", *arguments)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the checkout's own code and cache."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder) | {"HF_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=7200 if IS_WHOLE else 900,
        check=False,
    )


def test_ids_become_a_report_and_an_edit_of_a_checkpoint_is_noticed(hub: Path) -> None:
    done = reproduce(hub)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    rows = pq.read_table(hub / "artifacts/answers.parquet").to_pylist()
    assert {(row["model"], row["finish_reason"] != "refused") for row in rows} == {(one.name, True) for one in TRIED}
    assert {row["recipe"] for row in rows} >= {"controls/full", "weights/wanda@50%"}
    skipped = pq.read_table(hub / "artifacts/skips.parquet").to_pylist()
    missing = {(one.name, recipe) for one in TRIED for recipe in RECIPES} - {
        (row["model"], row["recipe"]) for row in rows
    }
    assert {(row["model"], row["recipe"]) for row in skipped} == missing
    assert ((SMALL[0].name, GROUPED) in missing) == IS_WHOLE  # SmolVLM's rows have 576 weights
    assert {recipe for _, recipe in missing} <= {GROUPED}
    assert all("needs widths that 128 divides" in row["reason"] for row in skipped)
    page = (hub / "artifacts/report/index.html").read_text()
    assert all(one.name in page for one in TRIED)
    listed = json.loads((hub / f"artifacts/sources/{SMALL[0].name}.json").read_text())
    assert listed["revision"] == published.COMMIT
    assert "model.safetensors" in listed["files"]

    [snapshot] = (hub / "home/hub").glob("models--LiquidAI*/snapshots/*")
    template = snapshot / "chat_template.jinja"
    template.write_text(template.read_text() + "be brief")
    again = reproduce(hub, "answer")
    assert again.returncode == 0, again.stderr
    assert f"answers: {len(TRIED) * len(RECIPES) - len(missing)} cells, {len(RECIPES)} answered now" in again.stdout


def test_a_model_that_is_not_in_the_cache_is_one_sentence_before_anything_else(hub: Path) -> None:
    [place] = (hub / "home/hub").glob("models--LiquidAI*")
    shutil.rmtree(place)
    done = reproduce(hub)
    assert done.returncode != 0
    assert f"'{SMALL[1].id}@main' is not a folder, is not in the hub's cache (HF_HOME)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (hub / "artifacts/answers.parquet").exists()


def test_a_cache_that_lacks_a_shard_is_not_taken_for_whole(hub: Path) -> None:
    [snapshot] = (hub / "home/hub").glob("models--LiquidAI*/snapshots/*")
    (snapshot / "model.safetensors").unlink()
    done = run(hub, "-m", "stages.fetch")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "and it is there in part" in done.stderr
