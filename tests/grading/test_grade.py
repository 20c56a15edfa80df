"""The grades table: every answer once, its outcome said, and what cannot be graded counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leanvlm import grading
from leanvlm.errors import InputError
from leanvlm.tables import answers, grades, samples
from tests.grid import UNPUBLISHED


def said(answer: str, *, recipe: str = "r", sample_id: str = "s") -> dict[str, Any]:
    return {
        **dict.fromkeys(("cache_bytes", "full_cache_bytes", "new_tokens", "prompt_tokens", "visual_tokens"), 1),
        "model": "m",
        "recipe": recipe,
        "benchmark": "b",
        "sample_id": sample_id,
        "answer": answer,
        "finish_reason": "stop",
        "log_probability": -1.0,
        "visual_tokens_kept": 1.0,
        "cache_kept": 1.0,
        "bits_kept": 1.0,
        "image_kept": 1.0,
        "tokens_kept": 1.0,
        "kept_centers": None,
        "refusal": None,
    }


def asked(rule: str, truths: list[str], *, sample_id: str = "s") -> dict[str, Any]:
    keys = {"benchmark": "b", "sample_id": sample_id, "group_id": "s", "kind": "k", "question": "?"}
    return {**UNPUBLISHED, **keys, "answers": truths, "rule": rule, "images": [], "fps": None, "difficulty": "{}"}


def grade(of_answers: list[dict[str, Any]], of_samples: list[dict[str, Any]]) -> pa.Table:
    return grading.grade(
        pa.Table.from_pylist(of_answers, schema=answers.TABLE.schema),
        pa.Table.from_pylist(of_samples, schema=samples.TABLE.schema),
    )


@pytest.mark.parametrize(
    ("rule", "answer", "worth", "outcome"),
    [
        ("anls", "abc", 1.0, "right"),
        ("anls", "abd", 0.666666667, "partly"),
        ("anls", "xyz", 0.0, "wrong"),
        ("anls", " ", 0.0, "ungradable"),
        ("mme", "maybe", 0.0, "ungradable"),
        ("choice", "a dog", 0.0, "ungradable"),
    ],
)
def test_outcome_follows_the_grade(rule: str, answer: str, worth: float, outcome: str, tmp_path: Path) -> None:
    found = grade([said(answer)], [asked(rule, ["abc"])])
    grades.TABLE.write(found, tmp_path / "grades.parquet")
    assert found.select(["grade", "outcome"]).to_pylist() == [{"grade": worth, "outcome": outcome}]


def test_each_answer_is_graded_by_its_samples_rule_and_alike_for_all_recipes() -> None:
    of_samples = [asked("exact", ["red"], sample_id="0"), asked("relaxed", ["100"], sample_id="1")]
    spoken = {"full": ["red", "104"], "alike": ["red", "104"], "worse": ["blue", "many"]}
    of_answers = [
        said(answer, recipe=recipe, sample_id=str(index))
        for recipe, found in spoken.items()
        for index, answer in enumerate(found)
    ]
    rows = grade(of_answers, of_samples).to_pylist()
    assert [(row["recipe"], row["sample_id"], row["outcome"]) for row in rows] == [
        ("alike", "0", "right"),
        ("alike", "1", "right"),
        ("full", "0", "right"),
        ("full", "1", "right"),
        ("worse", "0", "wrong"),
        ("worse", "1", "ungradable"),
    ]


def test_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="no grading rule 'exakt'; a rule is a file under leanvlm/grading: anls"):
        grade([said("abc")], [asked("exakt", ["abc"])])


def test_owners_grade_stands_beside_ours_and_is_null_where_there_is_none() -> None:
    half = asked("anls", ["ab"]) | {"published_rule": "paper/docvqa"}  # half of the letters: theirs keeps it
    ours = asked("anls", ["ab"], sample_id="t")
    found = grade([said("ax"), said("ax", sample_id="t")], [half, ours])
    assert found.select(["grade", "published_grade"]).to_pylist() == [
        {"grade": 0.0, "published_grade": 0.5},
        {"grade": 0.0, "published_grade": None},
    ]


@pytest.mark.parametrize("rule", ["docvqa", "then/docvqa", "paper/nothing", ""])
def test_an_owners_rule_that_is_not_there_is_one_sentence(rule: str) -> None:
    with pytest.raises(InputError, match=r"no published rule .*; write paper or today, a slash, and one of .*docvqa"):
        grade([said("ax")], [asked("anls", ["ab"]) | {"published_rule": rule}])
