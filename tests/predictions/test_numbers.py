"""Numbers of other harnesses: no grade is made of one whose direction, range or question is not known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from leanvlm.errors import InputError
from leanvlm.predictions import numbers
from tests.predictions.written import Row, lmms_eval, sample, scored

LOWER = ["wer", "WER", "cer", "edit_distance", "mean_edit_dist", "perplexity", "word_perplexity", "ppl", "loss", "mse"]
LOWER += ["eval/loss", "wordErrorRate", "error_rate", "mean_absolute_error", "rmse", "NED", "hallucination_rate"]
HIGHER = [
    "acc",
    "exact_match",
    "anls",
    "relaxed_overall",
    "rouge",
    "bleu",
    "f1",
    "gpt_eval_score",
    "terror",
    "lossless",
]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[Row]]:
    """What runs the command and returns its rows."""
    return lambda *arguments: scored(lambda: capsys.readouterr().out, *arguments)


def of(name: str, values: dict[str, float], folder: Path) -> Path:
    for recipe, value in values.items():
        lmms_eval(folder, recipe, [sample(index, **{name: value}) for index in range(3)])
    return folder


@pytest.mark.parametrize("name", LOWER)
def test_a_number_of_which_less_is_better_is_refused_until_told(
    name: str, tmp_path: Path, printed: Callable[..., list[Row]]
) -> None:
    folder = of(name, {"full": 0.1, "worse": 0.9}, tmp_path)
    for asked in ([], ["--grade", f"t={name}"]):
        with pytest.raises(InputError, match=rf"by its name, a lower {name} is better; .*--grade t={name}:lower"):
            printed(folder, "--full", "full", *asked)
    [full, worse] = printed(folder, "--full", "full", "--grade", f"t={name}:lower")
    assert (full["op"], worse["op"]) == (1.0, pytest.approx(1 / 9, abs=1e-8))
    [_, more] = sorted(printed(folder, "--full", "full", "--grade", f"t={name}:higher"), key=lambda row: row["op"])
    assert more["op"] == 9.0


@pytest.mark.parametrize("name", HIGHER)
def test_any_other_name_needs_no_telling(name: str, tmp_path: Path, printed: Callable[..., list[Row]]) -> None:
    [full, half] = printed(of(name, {"full": 0.8, "half": 0.4}, tmp_path), "--full", "full")
    assert (full["op"], half["op"]) == (1.0, 0.5)


def test_lower_may_be_divided_by_its_most(tmp_path: Path, printed: Callable[..., list[Row]]) -> None:
    folder = of("ppl", {"full": 4.0, "worse": 8.0}, tmp_path)
    with pytest.raises(InputError, match=r"ppl is 4, and a grade is from 0 to 1; .*--grade t=ppl/100:lower"):
        printed(folder, "--full", "full", "--grade", "t=ppl:lower")
    [full, worse] = printed(folder, "--full", "full", "--grade", "t=ppl/10:lower")
    assert (full["op"], worse["op"]) == (1.0, pytest.approx(0.2 / 0.6, abs=1e-8))


@pytest.mark.parametrize("value", [math.nan, None, -1, -0.001, -math.inf])
@pytest.mark.parametrize("at", [0, 2])
def test_a_failed_judge_is_told_by_line(value: float | None, at: int, tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", [sample(index, judge=value if index == at else 0.5) for index in range(3)])
    with pytest.raises(InputError, match=rf"samples_t\.jsonl line {at + 1}: judge is .* a judge that failed says so"):
        scored(str, tmp_path, "--full", "full")


@pytest.mark.parametrize("failed", [None, math.nan, "failed", [], {"score": None}])
def test_another_number_does_not_take_a_failed_judge_s_place(failed: object, tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", [sample(index, judge=failed if index == 1 else 0.5, length=1) for index in range(3)])
    with pytest.raises(InputError, match="the grade of t is not clear"):
        scored(str, tmp_path, "--full", "full")


@pytest.mark.parametrize("name", ["doc_hash", "target_hash", "prompt_hash"])
def test_recipes_that_were_asked_something_else_are_told_apart(
    name: str, tmp_path: Path, printed: Callable[..., list[Row]]
) -> None:
    lmms_eval(tmp_path, "full", [sample(index, acc=1, **{name: "a"}) for index in range(3)])
    lmms_eval(tmp_path, "fast", [sample(index, acc=1, **{name: "a"}) for index in range(3)])
    assert len(printed(tmp_path, "--full", "full")) == 2
    lmms_eval(tmp_path, "fast", [sample(index, acc=1, **{name: "ab"[index == 1]}) for index in range(3)])
    with pytest.raises(InputError, match=rf"line 2: sample 1 of t has another .*{name}"):
        printed(tmp_path, "--full", "full")


def test_models_may_be_prompted_each_in_its_way(tmp_path: Path, printed: Callable[..., list[Row]]) -> None:
    for model in ("m", "n"):
        lmms_eval(tmp_path, "full", [sample(0, acc=1, prompt_hash=model, doc_hash="a")], model=model)
    assert len(printed(tmp_path, "--full", "full")) == 2
    lmms_eval(tmp_path, "full", [sample(0, acc=1, prompt_hash="m", doc_hash="b")], model="m")
    with pytest.raises(InputError, match="sample 0 of t has another doc_hash"):
        printed(tmp_path, "--full", "full")


def test_a_full_model_worth_nothing_has_rows_and_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for recipe in ("full", "fast"):
        lmms_eval(tmp_path, recipe, [sample(0, acc=0), sample(1, recipe, acc=0)])
    rows = scored(lambda: capsys.readouterr().out, tmp_path, "--full", "full", "--model", "m")
    assert {(row["recipe"], row["op"], row["ol"]) for row in rows} == {
        ("controls/full", None, 1.0),
        ("fast", None, 0.5),
    }
    scored(lambda: "[]", tmp_path, "--full", "full")
    assert "the full model of m is worth 0 on t" in capsys.readouterr().err


def test_a_benchmark_of_no_worth_beside_another_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lmms_eval(tmp_path, "full", [sample(0, acc=0)])
    lmms_eval(tmp_path, "full", [sample(0, acc=1)], name="20260101_120000_samples_u.jsonl")
    scored(lambda: "[]", tmp_path, "--full", "full")
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "is worth 0 on t, so no share of it can be kept" in printed.err


def test_models_in_folders_of_their_own_names_are_sent_to_model(
    tmp_path: Path, printed: Callable[..., list[Row]]
) -> None:
    for recipe, model in (("full", "org__m"), ("awq", "org__m-awq")):
        lmms_eval(tmp_path, recipe, [sample(0, acc=1)], model=model)
    with pytest.raises(InputError, match=r"org__m-awq has no recipe 'full', but org__m has; .* --model NAME"):
        printed(tmp_path, "--full", "full")
    assert [row["op"] for row in printed(tmp_path, "--full", "full", "--model", "m")] == [1.0, 1.0]


def test_a_name_is_taken_apart_in_one_way_only() -> None:
    for name, most, way in itertools.product(["acc", "a/b", "a:b"], ["", "/100"], ["", ":lower", ":higher"]):
        found = numbers.chosen("t", [name, "other"], [], f"{name}{most}{way}")
        assert found == numbers.Number("t", name, 100 if most else 1, is_lower_better=way == ":lower")


@pytest.mark.parametrize("asked", ["acc/0", "acc/-1", "acc/x", "acc/1.5", "acc/", "acc/²"])
def test_no_other_divisor_is_taken(asked: str) -> None:
    with pytest.raises(InputError, match="divided by a whole number above 0"):
        numbers.chosen("t", ["acc"], [], asked)


def test_a_sentence_stays_short_with_many_numbers() -> None:
    with pytest.raises(InputError) as caught:
        numbers.chosen("t", [f"number_with_a_long_name_{index}" for index in range(100)], [], None)
    assert len(str(caught.value)) <= 300
