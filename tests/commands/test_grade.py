"""grade: official cases as their harnesses grade them, our rules as the pipeline's, and wrong lines told by number."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leanvlm.commands import cli
from leanvlm.errors import InputError
from leanvlm.grading import published, tasks

Row = dict[str, Any]
Graded = Callable[..., list[Any]]
OFFICIAL = Path(__file__).parents[1] / "grading/scorer_cases.jsonl"
DOCVQA = {"benchmark": "docvqa_val", "answer": "red", "gold": ["red"]}
LETTER = {"benchmark": "mmstar", "answer": "B", "gold": ["B"], "options": ["a cat", "a dog"]}
QUICK = ("anls", "gqa", "mme", "relaxed", "judge_reply")  # rules that are soon planned
UNFIT = ([""], ["nan"])  # with which no answer is compared
NUMBER = {"benchmark": "mathvista", "answer": "1.25", "gold": ["1.2"], "question_type": "free_form"}


def written(folder: Path, *rows: object) -> Path:
    file = folder / "answers.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Graded:
    """What grades rows, or a file, and returns the printed grades."""

    def run(*rows: Row | Path, harness: str = "ours") -> list[Any]:
        file = rows[0] if isinstance(rows[0], Path) else written(tmp_path, *rows)
        cli.call(["grade", str(file), "--harness", harness])
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.mark.parametrize(("harness", "score"), [("paper", "paper_score"), ("today", "official_score")])
def test_official_cases_are_graded_as_their_harness_does(harness: str, score: str, graded: Graded) -> None:
    scores = [json.loads(line)[score] for line in OFFICIAL.read_text("utf-8").splitlines()]
    assert graded(OFFICIAL, harness=harness) == [pytest.approx(one, abs=1e-9) for one in scores]


def test_official_cases_are_graded_by_our_rules(graded: Graded) -> None:
    rows = [json.loads(line) for line in OFFICIAL.read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["rule"] in QUICK]
    grades = graded(*rows)
    assert len(grades) == len(rows)
    for row, grade in zip(rows, grades, strict=True):
        if row["rule"] != "judge_reply":
            assert grade is None if row["gold"] in UNFIT else 0 <= grade <= 1
        elif grade is not None:
            assert grade == row["official_score"]


def test_a_benchmark_without_a_rule_is_graded_by_its_own(graded: Graded) -> None:
    rows = [
        DOCVQA | {"answer": "rad"},
        {"benchmark": "ocrbench", "answer": "X", "gold": ["x"], "dataset": "HME100k"},
        {"benchmark": "ocrbench", "answer": "X", "gold": ["x"], "dataset": "other"},
        LETTER | {"answer": "a dog"},
        {"benchmark": "realworldqa", "answer": "Downhill.", "gold": ["downhill"]},
    ]
    assert graded(*rows) == [pytest.approx(2 / 3), 0, 1, 1, 1]


def test_a_rule_of_ours_can_be_named(graded: Graded) -> None:
    said = {"answer": "Red.", "gold": ["red"]}
    rows = [said | {"rule": "exact"}, said | {"rule": "anls"}, said | {"rule": "exact", "benchmark": "documents"}]
    assert graded(*rows) == [1, 0.75, 1]


@pytest.mark.parametrize("benchmark", published.JUDGED)
def test_an_unreadable_reply_is_a_number_for_harnesses_and_null_for_ours(benchmark: str, graded: Graded) -> None:
    row = {"benchmark": benchmark, "answer": "I cannot say."}
    assert graded(row) == [None]
    assert graded(row, harness="paper") in ([0.0], [[-1.0, -1.0]])


def test_a_judges_reply_is_graded_as_it_is_and_an_answer_stripped(graded: Graded) -> None:
    rows = [{"benchmark": "llava_wilder_small", "answer": "\n10 8"}, LETTER | {"answer": "\nB\n"}]
    assert graded(*rows, harness="paper") == [[-1.0, -1.0], 1.0]


def test_what_a_judge_would_be_asked_is_null(graded: Graded) -> None:
    row = {"benchmark": "mmbench_en_dev", "answer": "neither", "gold": ["A"], "options": ["sad", "happy"]}
    assert graded(row, harness="paper") == [None]


def test_what_is_no_number_is_null(graded: Graded) -> None:
    assert graded({"benchmark": "llava_wilder", "answer": "nan 8"}, harness="paper") == [None]


def test_a_blank_right_answer_is_graded_by_harnesses_and_told_by_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(written(tmp_path, DOCVQA, {"benchmark": "gqa", "answer": "", "gold": [""]}))
    cli.call(["grade", file, "--harness", "paper"])
    assert capsys.readouterr().out.splitlines() == ["1.0", "1.0"]
    cli.call(["grade", file])
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["1.0", "null"]
    assert f"{file} line 2 has an empty right answer" in printed.err


def test_lines_come_from_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{json.dumps(DOCVQA)}\n\n{json.dumps(LETTER)}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    cli.call(["grade", "-", "--format", "csv"])
    assert capsys.readouterr().out.splitlines() == ["grade", "1.0", "1.0"]
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        cli.call(["grade", "-"])


WRONG = {
    "is cut off or not JSON": '{"benchmark": "gqa", "ans',
    "is no object": [1],
    "no benchmark 'docvqa_vall' .perhaps docvqa_val.": DOCVQA | {"benchmark": "docvqa_vall"},
    "benchmark is 3": DOCVQA | {"benchmark": 3},
    "has no benchmark": {"answer": "red", "gold": ["red"]},
    "has no answer": {"benchmark": "gqa", "gold": ["red"]},
    "answer is 3; write a text": DOCVQA | {"answer": 3},
    r"answer is '\\ud800'": DOCVQA | {"answer": "\ud800"},
    "has no gold": {"benchmark": "gqa", "answer": "red"},
    "has no right answer in gold": DOCVQA | {"gold": []},
    "gold is 'red'; write a list of texts": DOCVQA | {"gold": "red"},
    r"gold is \[None\]": DOCVQA | {"gold": [None]},
    "options is 'AB'; write a list of texts": LETTER | {"options": "AB"},
    r"options is \[1, 2\]": LETTER | {"options": [1, 2]},
    "has 27 options": LETTER | {"options": ["x"] * 27},
    "'C' is no letter from A to B": LETTER | {"gold": ["C"]},
    "'a dog' is no letter from A to Z": {"benchmark": "mmstar", "answer": "B", "gold": ["a dog"]},
    "has no options, by which mmbench": {"benchmark": "mmbench", "answer": "B", "gold": ["B"]},
    "has no options, by which mmmu": DOCVQA | {"benchmark": "mmmu_val", "question_type": "multiple-choice"},
    "has no dataset, by which ocrbench": DOCVQA | {"benchmark": "ocrbench"},
    "has no answer_type, by which mathvista": NUMBER,
    "answer_type is 'real'; write text or integer": NUMBER | {"answer_type": "real"},
    "has no precision, by which mathvista": NUMBER | {"answer_type": "float"},
    "precision is 1.5": NUMBER | {"answer_type": "float", "precision": 1.5},
    "precision is True": NUMBER | {"answer_type": "float", "precision": True},
    "precision is nan": NUMBER | {"answer_type": "float", "precision": float("nan")},
}


@pytest.mark.parametrize("harness", ["ours", *published.HARNESSES])
@pytest.mark.parametrize("sentence", WRONG)
def test_a_wrong_line_is_named_before_anything_is_printed(
    sentence: str, harness: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        cli.call(["grade", str(written(tmp_path, DOCVQA, "", WRONG[sentence])), "--harness", harness])
    assert "answers.jsonl line 3" in str(caught.value)
    assert capsys.readouterr().out == ""


def test_a_rule_that_is_not_there_is_refused_where_it_would_grade(tmp_path: Path, graded: Graded) -> None:
    row = DOCVQA | {"rule": "anls2"}
    assert graded(row, harness="today") == [1.0]
    with pytest.raises(InputError, match=r"line 1: no grading rule 'anls2' \(perhaps anls\)"):
        graded(row)


def test_one_of_our_own_benchmarks_has_no_owners(graded: Graded) -> None:
    with pytest.raises(InputError, match="no benchmark 'documents'"):
        graded(DOCVQA | {"benchmark": "documents"}, harness="paper")


def test_every_task_is_graded(graded: Graded) -> None:
    facts = {"question_type": "free_form", "answer_type": "text", "dataset": "other"}
    rows = [{"benchmark": name, "answer": "A", "gold": ["A"], "options": ["x", "y"], **facts} for name in tasks.IDS]
    assert len(graded(*rows, harness="today")) == len(tasks.IDS)
