"""lmms-eval runs its own tasks on drawn data through the plug-in, and its numbers are ours: `make test-lmms-eval`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import leanvlm
from leanvlm import grading
from leanvlm.models._model import LoadedModel
from leanvlm.sample import Sample
from tests.for_lmms_eval.drawn_tasks import TASKS, samples, write

pytestmark = pytest.mark.skipif(find_spec("lmms_eval") is None, reason="lmms-eval is not installed")

CHECKPOINT = Path(__file__).parents[2] / "artifacts/models/embedded"
RECIPES = ("controls/full", "cache/snapkv@10%", '"cache/h2o@20%:normalize=true,recent_share=0.1"')


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data, and in `logs/INDEX` what lmms-eval's command line wrote of each recipe."""
    [package] = find_spec("lmms_eval").submodule_search_locations  # type: ignore[union-attr]
    folder = tmp_path_factory.mktemp("lmms_eval")
    write(folder, Path(package) / "tasks")
    for index, recipe in enumerate(RECIPES):
        done = run(folder, recipe, folder / "logs" / str(index))
        assert list((folder / "logs" / str(index)).rglob("*_results.json")), done.stdout + done.stderr
    return folder


def run(folder: Path, recipe: str, into: Path) -> subprocess.CompletedProcess[str]:
    """Ask lmms-eval's command line for all tasks under one recipe."""
    arguments = {
        "--model": "leanvlm",
        "--model_args": f"pretrained={CHECKPOINT},recipe={recipe}",
        "--tasks": ",".join(TASKS),
        "--include_path": str(folder / "tasks"),
        "--output_path": str(into),
        "--batch_size": "8",
    }
    command = [
        sys.executable,
        "-m",
        "lmms_eval",
        "--log_samples",
        *(word for pair in arguments.items() for word in pair),
    ]
    offline = {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    return subprocess.run(command, cwd=folder, env=os.environ | offline, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def embedded() -> LoadedModel:
    return leanvlm.load(CHECKPOINT)


def logged(folder: Path, index: int, task: str) -> list[str]:
    """The answers that lmms-eval logged, in the order of its documents."""
    [path] = (folder / "logs" / str(index)).rglob(f"*_samples_{task}.jsonl")
    rows: list[dict[str, Any]] = sorted(map(json.loads, path.read_text().splitlines()), key=lambda row: row["doc_id"])
    return [row["filtered_resps"] for row in rows]


def number(folder: Path, index: int, task: str) -> float:
    """What lmms-eval says of a task."""
    [path] = (folder / "logs" / str(index)).rglob("*_results.json")
    value: float = json.loads(path.read_text())["results"][task]["anls,none"]
    return value


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("index", range(len(RECIPES)), ids=RECIPES)
def test_the_answers_are_those_of_leanvlm(written: Path, embedded: LoadedModel, index: int, task: str) -> None:
    recipe = RECIPES[index].strip('"')
    expected = [
        leanvlm.answer(embedded, one.pictures(), one.question + TASKS[task], recipe=recipe, max_new_tokens=32).answer
        for one in samples(task)
    ]
    assert logged(written, index, task) == expected


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("index", range(len(RECIPES)), ids=RECIPES)
def test_the_number_is_that_of_our_grading(written: Path, index: int, task: str) -> None:
    answers = logged(written, index, task)
    assert number(written, index, task) == pytest.approx(mean_published_grade(samples(task), answers), abs=1e-9)


def mean_published_grade(asked: list[Sample], answers: list[str]) -> float:
    """Grade by the rule of DocVQA's owners, as the pipeline does."""
    keys = [{"benchmark": "b", "sample_id": one.sample_id} for one in asked]
    said = [key | {"model": "m", "recipe": "r", "answer": text} for key, text in zip(keys, answers, strict=True)]
    truths = [
        key
        | {"rule": one.rule, "answers": list(one.answers), "options": list[str]()}
        | {"published_rule": "today/docvqa", "facts": None}
        for key, one in zip(keys, asked, strict=True)
    ]
    graded = grading.grade(pa.Table.from_pylist(said), pa.Table.from_pylist(truths, schema=grading.SAMPLES))
    grades: list[float] = graded.column("published_grade").to_pylist()
    return sum(grades) / len(grades)


def test_the_recipes_answer_differently_and_score_neither_nothing_nor_all(written: Path) -> None:
    said = [tuple(text for task in TASKS for text in logged(written, index, task)) for index in range(len(RECIPES))]
    assert len(set(said)) == len(RECIPES)
    assert all(0 < number(written, index, "docvqa_as_drawn") < 1 for index in range(len(RECIPES)))


def test_a_wrong_recipe_is_told_and_nothing_is_written(written: Path, tmp_path: Path) -> None:
    assert "Error during evaluation: no method 'cache/snap'" in run(written, "cache/snap@10%", tmp_path).stdout
    assert not list(tmp_path.iterdir())
