"""Owners' rules: every official case, edit distances beside a slow table, and what a judge's reply is read as."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from leanvlm import grading
from leanvlm.errors import InputError
from leanvlm.grading import published, tasks
from leanvlm.grading.published import Asked, imagedc, llava_wilder, mmvet
from leanvlm.grading.published._contractions import CORRECTED
from leanvlm.grading.published._distance import distance

CASES = [json.loads(line) for line in (Path(__file__).parent / "scorer_cases.jsonl").read_text("utf-8").splitlines()]
CONTRACTIONS = Path(__file__).parent / "published_contractions.txt"
SCORES = {"paper": "paper_score", "today": "official_score"}
FACTS = ("question_type", "answer_type", "precision", "dataset")
LETTERS = "ab \u0301éß文-"


def graded(harness: str, case: dict[str, Any]) -> Any:
    benchmark = tasks.benchmark_of(case["benchmark"])
    asked = Asked(
        tuple(case["gold"] or ()),
        tuple(case.get("options", ())),
        {name: case[name] for name in FACTS if name in case},
    )
    answer = case["answer"] if benchmark in published.JUDGED else case["answer"].strip()
    return published.load(f"{harness}/{benchmark}")(answer, asked)


@pytest.mark.parametrize("harness", published.HARNESSES)
def test_every_official_case_gets_its_score(harness: str) -> None:
    wrong = [
        (case, found)
        for case in CASES
        if (found := graded(harness, case)) != pytest.approx(case[SCORES[harness]], abs=1e-9)
    ]
    assert not wrong


def test_every_benchmark_has_its_cases_its_tasks_and_both_harnesses() -> None:
    assert {tasks.benchmark_of(case["benchmark"]) for case in CASES} == set(published.ids()) == set(tasks.KNOWN)
    for harness in published.HARNESSES:
        assert all(callable(published.load(f"{harness}/{benchmark}")) for benchmark in published.ids())
    assert set(published.JUDGED) == {benchmark for benchmark, known in tasks.KNOWN.items() if not known.rule}


def test_no_task_is_of_two_benchmarks() -> None:
    names = Counter(name for benchmark, known in tasks.KNOWN.items() for name in (benchmark, *known.tasks))
    assert set(names.values()) == {1}


def slow_distance(a: str, b: str) -> int:
    """Fill the whole table of distances, as Wagner and Fischer do."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i, left in enumerate(a, start=1):
        for j, right in enumerate(b, start=1):
            changed = table[i - 1, j - 1] + (left != right)
            table[i, j] = min(changed, table[i - 1, j] + 1, table[i, j - 1] + 1)
    return table[len(a), len(b)]


def test_distance_is_that_of_the_whole_table() -> None:
    rng = random.Random(0)
    for longest in (0, 1, 3, 8, 70):
        for _ in range(60):
            a, b = ("".join(rng.choices(LETTERS, k=rng.randint(0, longest))) for _ in range(2))
            assert distance(a, b) == slow_distance(a, b)


def test_what_is_too_far_to_count_is_worth_nothing() -> None:
    rng = random.Random(0)
    for _ in range(300):
        said, right = ("".join(rng.choices("abß", k=rng.randint(1, 12))) for _ in range(2))
        for benchmark, longest in (
            ("docvqa", max(len(said.upper()), len(right.upper()))),
            ("mp_docvqa", max(len(said), len(right))),
        ):
            kept = 1 - slow_distance(said, right) / longest
            assert published.load(f"today/{benchmark}")(said, Asked((right,))) == (kept if kept >= 0.5 else 0)


def test_contractions_are_those_of_vqa() -> None:
    """Its table, in published_contractions.txt, has words with a capital, which no text in small letters holds."""
    pairs = (pair.split(":") for pair in CONTRACTIONS.read_text("utf-8").split())
    known = {wrong: right for wrong, right in pairs if wrong == wrong.lower() and wrong != right}
    assert known == CORRECTED


@pytest.mark.parametrize(
    ("n_options", "right", "chance"), [(4, "A", 0.25), (2, "B", 0.5), (5, "E", 0.2), (3, "D", 0), (9, "I", 1 / 9)]
)
def test_a_letter_that_is_drawn_by_lot_is_worth_its_chance(n_options: int, right: str, chance: float) -> None:
    asked = Asked((right,), tuple(f"option {n}" for n in range(n_options)))
    assert published.load("today/mmmu")("no idea", asked) == chance


@pytest.mark.parametrize(
    ("reply", "read"),
    [("10 8", [10, 8]), ("10,8.5\nGood.", [10, 8.5]), ("10, 8", None), ("ten 8", None), ("", None)],
)
def test_two_numbers_are_read_or_none(reply: str, read: list[float] | None) -> None:
    assert llava_wilder.read(reply) == read
    assert llava_wilder.paper(reply, Asked(())) == (read or [-1, -1])


def test_only_today_blanks_around_two_numbers_do_not_count() -> None:
    assert llava_wilder.today(" 10 8 \nGood.", Asked(())) == [10, 8]
    assert llava_wilder.paper(" 10 8 \nGood.", Asked(())) == [-1, -1]


@pytest.mark.parametrize(
    ("reply", "read", "grade"),
    [("0.7 of 1", 0.7, 0.7), ("1.01", None, None), ("nan", None, None), ("0.7.", None, 0), ("", None, 0)],
)
def test_a_share_is_read_or_none(reply: str, read: float | None, grade: float | None) -> None:
    assert mmvet.read(reply) == read
    assert mmvet.paper(reply, Asked(())) == grade


@pytest.mark.parametrize(
    ("reply", "read"), [("Final Score: 85.9", 85), ("Final Score: 0", 0), ("Score: 85", None), ("", None)]
)
def test_hundredths_are_read_or_none(reply: str, read: float | None) -> None:
    assert imagedc.read(reply) == read
    assert imagedc.paper(reply, Asked(())) == (read or 0)


def test_no_answer_is_read_as_a_judges_reply() -> None:
    """The two numbers of a model's own answer would be its grade."""
    answers = pa.table({"benchmark": ["b", "b"], "sample_id": ["1", "2"], "answer": ["0.5", " 0.5\n"]})
    samples = [
        {"benchmark": "b", "sample_id": "1", "published_rule": "paper/mmvet", "facts": None},
        {"benchmark": "b", "sample_id": "2", "published_rule": "paper/chartqa", "facts": "{}"},
    ]
    with duckdb.connect() as connection:
        grading.load_macros(connection)
        connection.register("answers", answers)
        connection.register(
            "samples", pa.Table.from_pylist([{**row, "answers": ["0.5"], "options": []} for row in samples])
        )
        assert published.grades(connection).to_pylist() == [
            {"benchmark": "b", "sample_id": "2", "answer": " 0.5\n", "published_grade": 1.0, "asks_judge": False}
        ]


@pytest.mark.parametrize("rule", ["paper/none", "none/docvqa", "docvqa", "", "paper/_distance", "today/../docvqa"])
def test_a_rule_that_is_not_there_is_refused(rule: str) -> None:
    with pytest.raises(InputError, match="no published rule"):
        published.load(rule)
