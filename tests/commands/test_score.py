"""score: predictions of other harnesses get OP, OG and OL that can be worked by hand; wrong ones are told by line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm.commands import cli
from leanvlm.errors import InputError
from tests.report.synthetic_grid import Grid, build

Row = dict[str, Any]
Scored = Callable[..., list[Row]]
N = 10


@pytest.fixture
def scored(capsys: pytest.CaptureFixture[str]) -> Scored:
    """What runs the command and returns its rows."""

    def run(*arguments: object) -> list[Row]:
        cli.call(["score", *map(str, arguments), "--format", "json"])
        rows: list[Row] = json.loads(capsys.readouterr().out)
        return rows

    return run


def predictions(recipe: str, right: dict[str, int]) -> list[Row]:
    """Say "red" to the first so many of ten samples of each benchmark, which is right, and "blue" to the others."""
    return [
        {
            "model": "m",
            "recipe": recipe,
            "benchmark": benchmark,
            "sample_id": f"{index}",
            "answer": "Red." if index < n_right else "blue",
            "answers": ["red", "crimson"],
            "rule": "exact",
        }
        for benchmark, n_right in right.items()
        for index in range(N)
    ]


ROWS = predictions("base", {"x": 10, "y": 8}) + predictions("fast", {"x": 10, "y": 4})


def parquet(folder: Path, rows: list[Row], name: str = "predictions.parquet") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / name)
    return folder


def lines(folder: Path, recipe: str, task: str, rows: list[Row | str]) -> Path:
    """Write samples where lmms-eval does."""
    path = folder / recipe / "org__model" / f"20260101_120000_samples_{task}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return folder


def sample(index: int, worth: object, **others: object) -> Row:
    said = {"doc_id": index, "target": "red", "filtered_resps": ["red" if worth else "blue"], "doc_hash": "0"}
    return said | {"exact_match": worth} | others


def test_parquet_gets_the_numbers_of_the_paper_s_formulas(tmp_path: Path, scored: Scored) -> None:
    full, fast = sorted(scored(parquet(tmp_path, ROWS), "--full", "base"), key=lambda row: str(row["recipe"]))
    assert (full["recipe"], full["op"], full["ol"]) == ("controls/full", 1.0, 1.0)
    ratios = (1.0, 0.5)  # of x and y
    assert fast["op"] == pytest.approx(math.sqrt(sum(r * r for r in ratios) / 2), abs=1e-9)
    assert (fast["mean_kept"], fast["worst_kept"], fast["worst_benchmark"]) == (0.75, 0.5, "y")
    assert fast["og"] == pytest.approx(100 * 0.25 / 0.75, abs=1e-9)
    assert fast["ol"] == 0.8  # all of x and six of y are answered alike
    assert fast["op_low"] < fast["op"] < fast["op_high"]


def test_lmms_eval_s_samples_get_the_same(tmp_path: Path, scored: Scored) -> None:
    for recipe, right in (("base", {"x": 10, "y": 8}), ("fast", {"x": 10, "y": 4})):
        for task, n_right in right.items():
            lines(tmp_path / "logs", recipe, task, [sample(i, float(i < n_right)) for i in range(N)])
    ours = scored(parquet(tmp_path / "ours", ROWS), "--full", "base")
    theirs = scored(tmp_path / "logs", "--full", "base")
    assert {row["model"] for row in theirs} == {"org__model"}
    assert [row | {"model": "m"} for row in theirs] == ours


def test_a_grade_within_an_object_and_one_out_of_a_hundred_are_read(tmp_path: Path, scored: Scored) -> None:
    lines(tmp_path, "base", "mme", [sample(0, None, mme={"score": 1.0, "id": 7}), sample(1, None, mme={"score": 0})])
    lines(tmp_path, "base", "vet", [sample(0, 80), sample(1, 40)])
    found = scored(tmp_path, "--full", "base", "--metric", "accuracy", "--grade", "vet=exact_match/100")
    assert [(row["benchmark"], row["accuracy"]) for row in found] == [("mme", 0.5), ("vet", 0.6)]


def test_a_rule_of_ours_grades_by_lmms_eval_s_list_of_targets(tmp_path: Path, scored: Scored) -> None:
    said = [sample(index, 1, target="['crimson', 'red']", rouge=0.5) for index in range(2)]
    lines(tmp_path, "base", "x", [*said, sample(2, 0, target="['crimson', 'red']", rouge=0.5)])
    [row] = scored(tmp_path, "--full", "base", "--metric", "accuracy", "--grade", "x=exact")
    assert row["accuracy"] == pytest.approx(2 / 3, abs=1e-9)


def test_one_metric_can_be_printed_whole(tmp_path: Path, scored: Scored) -> None:
    found = scored(parquet(tmp_path, ROWS), "--full", "base", "--metric", "accuracy_kept")
    kept = {(row["recipe"], row["benchmark"]): row["accuracy_kept"] for row in found}
    assert kept[("fast", "y")] == 0.5


def test_a_grade_needs_no_rule_and_lengths_say_what_a_cache_can_change(tmp_path: Path, scored: Scored) -> None:
    kept = ("model", "recipe", "benchmark", "sample_id", "answer")
    rows = [{name: row[name] for name in kept} | {"grade": 0.25, "new_tokens": 9} for row in ROWS]
    [_, row, *_] = scored(parquet(tmp_path, rows), "--full", "base", "--metric", "overall_performance")
    assert (row["scope"], row["overall_performance"], row["n_benchmarks"]) == ("sensitive", 1.0, 2)


def test_into_keeps_a_store_that_other_commands_read(
    tmp_path: Path, scored: Scored, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.duckdb"
    scored(parquet(tmp_path / "logs", ROWS), "--full", "base", "--into", path)
    cli.call(["compare", "controls/full", "fast", "--store", str(path), "--format", "json"])
    rows = json.loads(capsys.readouterr().out)
    assert [(row["benchmark"], row["n_only_right"]) for row in rows] == [("x", 0), ("y", 4), ("all", 4)]
    assert scored("--store", path)[0]["recipe"] == "controls/full"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "mine.duckdb"]
    with pytest.raises(InputError, match="it exists; name one that does not"):
        scored(tmp_path / "logs", "--full", "base", "--into", path)


def test_without_a_folder_the_store_is_scored(tmp_path: Path, scored: Scored) -> None:
    rows = scored("--store", build(tmp_path / "store.duckdb", Grid()))
    assert next(row["op"] for row in rows if row["recipe"] == "controls/full") == 1.0
    with pytest.raises(InputError, match="--full is about predictions; name their folder: leanvlm score DIR"):
        scored("--full", "base")


def with_row(index: int, **changed: object) -> list[Row]:
    return [row | changed if place == index else row for place, row in enumerate(ROWS)]


def without(column: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name != column} for row in ROWS]


GRADED = [row | {"grade": 0.5} for row in ROWS]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (without("answer"), r"predictions\.parquet lacks the column answer; needed are model, recipe"),
        (without("rule"), r"predictions\.parquet lacks the column grade, or answers and rule"),
        (
            [row | {"answer": [1]} for row in ROWS],
            r"predictions\.parquet: answer is list<.*> and cannot be read as string",
        ),
        (with_row(3, answer=None), r"predictions\.parquet line 4: model, .* may not be null"),
        (with_row(3, rule=None), r"predictions\.parquet line 4: it has neither a grade nor a rule"),
        (with_row(3, rule="guess"), r"predictions\.parquet line 4: no grading rule 'guess'; the rules are .*exact"),
        (with_row(3, answers=["green"]), r"predictions\.parquet line \d+: sample 3 of x has other right answers"),
        ([*ROWS, ROWS[5]], r"predictions\.parquet line 41: base on m answered sample 5 of x before; leave one answer"),
        (ROWS[:-1], "fast on m lacks sample 9 of y, which another recipe answered; all need the same"),
        (ROWS[:-N], "fast on m lacks sample 0 of y"),
        (predictions("fast", {"x": 3}), "m has no recipe 'base', .* name it with --full: it has fast"),
        ([*ROWS, *predictions("controls/full", {"x": 1, "y": 1})], "m has a recipe controls/full beside 'base'"),
        (
            [*GRADED[:-1], GRADED[-1] | {"grade": 1.5}],
            r"predictions\.parquet line 40: the grade is 1\.5; a grade is from 0",
        ),
        ([*GRADED[:-1], GRADED[-1] | {"grade": math.nan}], r"predictions\.parquet line 40: the grade is nan"),
        (ROWS[:0], r"predictions\.parquet lacks the column model"),
    ],
)
def test_wrong_parquet_is_told_by_file_and_line(rows: list[Row], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said) as caught:
        cli.call(["score", str(parquet(tmp_path, rows)), "--full", "base"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{", r"samples_x\.jsonl line 2 is cut off or not JSON"),
        ("[1]", r"samples_x\.jsonl line 2 lacks doc_id"),
        (sample(1, 1) | {"filtered_resps": ["a", "b"]}, r"samples_x\.jsonl line 2: filtered_resps is \['a', 'b'\]"),
        (
            sample(1, 1) | {"filtered_resps": [[-0.1, True]]},
            r"line 2: filtered_resps is \[\[-0\.1, True\]\]; one answer",
        ),
        (sample(1, 45), r"line 2: exact_match is 45, and a grade is from 0 to 1; .*--grade x=exact_match/100"),
        (sample(1, 10**400), "no number is in every line"),
        (sample(1, 1) | {"filtered_resps": ["\ud800"]}, r"line 2: filtered_resps is \['\\ud800'\]; one answer as text"),
        ("[" * 100_000, r"line 2 is cut off or not JSON"),
        (sample(1, "yes"), "the grade of x is not clear: no number is in every line; choose with --grade x=NAME"),
        (sample(0, 1), r"line 2: base on org__model answered sample 0 of x before"),
    ],
)
def test_wrong_samples_are_told_by_file_and_line(wrong: Row | str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said) as caught:
        cli.call(["score", str(lines(tmp_path, "base", "x", [sample(0, 1), wrong])), "--full", "base"])
    assert "\n" not in str(caught.value)


def test_an_answer_may_hold_any_line_end_or_sign(tmp_path: Path, scored: Scored) -> None:
    path = lines(tmp_path, "base", "x", []) / "base" / "org__model" / "20260101_120000_samples_x.jsonl"
    hostile = sample(0, 1) | {"filtered_resps": ["a\u2028b\x85c\u202e<script>\x00"]}
    path.write_text(json.dumps(hostile, ensure_ascii=False) + "\r\n\n", encoding="utf-8")
    assert scored(tmp_path, "--full", "base")[0]["n_samples"] == 1


def test_a_grade_that_is_not_clear_must_be_chosen(tmp_path: Path) -> None:
    folder = lines(tmp_path, "base", "x", [sample(0, 1, human=0), sample(1, 1, human=1, rare=1)])
    with pytest.raises(InputError, match="every line has the numbers exact_match, human; choose with --grade x=NAME"):
        cli.call(["score", str(folder), "--full", "base"])
    for text, said in (
        ("x=rare", "neither a number of its lines nor a rule"),
        ("x=human/0", "whole number above 0"),
        ("z=human", "no such task"),
        ("x", "TASK=NAME"),
    ):
        with pytest.raises(InputError, match=said):
            cli.call(["score", str(folder), "--full", "base", "--grade", text])


def test_a_place_that_names_no_recipe_or_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a_samples_x.jsonl").write_text(json.dumps(sample(0, 1)) + "\n")
    with pytest.raises(InputError, match="lies in no folder of its recipe"):
        cli.call(["score", str(tmp_path)])
    (tmp_path / "base").mkdir()
    (tmp_path / "a_samples_x.jsonl").rename(tmp_path / "base" / "a_samples_x.jsonl")
    with pytest.raises(InputError, match=r"lies in no folder of its model, .* name the model with --model"):
        cli.call(["score", str(tmp_path)])
    cli.call(["score", str(tmp_path), "--full", "base", "--model", "m"])


def test_what_is_no_folder_of_predictions_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a folder"):
        cli.call(["score", str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match=r"holds no \*\.parquet and no"):
        cli.call(["score", str(tmp_path)])
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"cut\.parquet cannot be read as Parquet"):
        cli.call(["score", str(tmp_path)])
    (tmp_path / "cut.parquet").unlink()
    lines(tmp_path, "base", "x", [])
    with pytest.raises(InputError, match=r"samples_x\.jsonl is empty"):
        cli.call(["score", str(tmp_path)])


@pytest.mark.parametrize(("metric", "needs"), [("speedup", "timings"), ("interaction", "grades, parts, samples")])
def test_a_metric_without_rows_says_what_it_needs(metric: str, needs: str, tmp_path: Path) -> None:
    folder = parquet(tmp_path / "p", ROWS)
    with pytest.raises(InputError, match=f"^{metric} has no row here: it needs rows of {needs}; print another metric$"):
        cli.call(["score", str(folder), "--full", "base", "--metric", metric])
