"""Every public benchmark from its files to grades: samples are stored, right and wrong answers are graded twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from leanvlm import files, grading, plugins, store
from leanvlm.tables import answers
from leanvlm.tables import samples as samples_table
from stages import samples
from tests.benchmarks import public, public_sets
from tests.checkouts import write_params

NAMES = [one.__name__ for one in public_sets.ALL if one.__name__ != "video_mme"]  # which needs videos
WRONG = "zebra crossing"


@pytest.fixture(params=["paper", "today"])
def graded(
    request: pytest.FixtureRequest, public_hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Grades by recipe, benchmark and sample: `controls/full` says what is right, `controls/blind` what is wrong."""
    public.look_in(public_hub, monkeypatch)
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, ("controls/full", "controls/blind"), n=100)
    params = YAML(typ="safe").load(files.PARAMS)
    params["grid"]["benchmarks"] = NAMES
    params["benchmarks"] = {name: {"harness": request.param} for name in NAMES}
    params["clock"]["benchmark"] = NAMES[0]
    with files.PARAMS.open("w") as file:
        YAML(typ="safe").dump(params, file)
    samples.main()
    asked = [row for name in NAMES for row in pq.read_table(files.samples(name)).to_pylist()]
    said = [answer(row, "controls/full", row["answers"][0]) for row in asked]
    said += [answer(row, "controls/blind", WRONG) for row in asked]
    answers.TABLE.write(said, files.table("answers"))
    worth = grading.grade(*(store.read(Path(), one.TABLE, benchmarks=NAMES) for one in (answers, samples_table)))
    return {
        (row["recipe"], row["benchmark"], row["sample_id"]): row | {"harness": request.param}
        for row in worth.to_pylist()
    }


def answer(row: dict[str, Any], recipe: str, text: str) -> dict[str, Any]:
    keys = {"model": "embedded", "recipe": recipe, "benchmark": row["benchmark"], "sample_id": row["sample_id"]}
    counts = dict.fromkeys(("new_tokens", "prompt_tokens", "visual_tokens", "visual_runs"), 1)
    shares = dict.fromkeys(("visual_tokens_kept", "cache_kept", "bits_kept", "image_kept", "tokens_kept"), 1.0)
    told = {"answer": text, "finish_reason": "stop", "refusal": None, "kept_centers": None, "log_probability": -1.0}
    return {**keys, **counts, **shares, **told, "cache_bytes": 1, "full_cache_bytes": 1}


def test_right_answers_are_worth_1_by_both_rules_and_wrong_ones_nothing_by_ours(
    graded: dict[tuple[str, str, str], dict[str, Any]],
) -> None:
    judged = {name for name in NAMES if plugins.paragraph("benchmarks", name, "Grading").startswith("judged")}
    assert judged == {"llava_wilder", "mmvet", "imagedc"}
    for (recipe, name, sample_id), row in graded.items():
        if name in judged:
            assert row["published_grade"] is None, (name, sample_id)
            continue
        assert row["grade"] == (recipe == "controls/full"), (name, sample_id)
        if recipe == "controls/full":  # theirs draws lots, and takes the nearest option, where an answer is wrong
            capital = (name, sample_id, row["harness"]) == ("ocrbench", "0001", "paper")  # a formula that has one
            assert row["published_grade"] == 1 - capital, (name, sample_id)


def test_every_sample_of_every_set_is_graded(graded: dict[tuple[str, str, str], dict[str, Any]]) -> None:
    counted = {name: sum(one == name for _, one, _ in graded) for name in NAMES}
    questions = {
        one.__name__: [rows for name, rows in one().items() if "_images/" not in name] for one in public_sets.ALL
    }
    assert counted == {name: 2 * sum(map(len, questions[name])) for name in NAMES}
