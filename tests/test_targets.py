"""Targets: lists are read as what they were, whoever wrote them; boxes, objects and torn ones are refused."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from leanvlm import targets
from leanvlm.errors import InputError

PIECES = ["a", "red car", "it's", 'so "red"', "a, b", "[x]", "(y)", "12", "é", "日本", "\\d", "a\nb", "B. red"]


def lists() -> list[list[str]]:
    rng = random.Random(0)
    return [rng.choices(PIECES, k=rng.randint(1, 5)) for _ in range(60)]


@pytest.mark.parametrize("answers", lists())
def test_a_list_is_read_however_it_was_written(answers: list[str]) -> None:
    written = [answers, str(answers), json.dumps(answers), f" {answers} ", str(tuple(answers)), str(np.array(answers))]
    written += [repr(np.array(answers)), repr(np.array(answers, dtype=object))]
    for target in written:
        assert targets.read(target, place="here") == answers, target


@pytest.mark.parametrize("text", [*PIECES, "(B) red", "[unclear]", "{1, 2}", "(1,200)", "(1990 - 1995)", "f(x)", "[1,"])
def test_a_text_is_itself(text: str) -> None:
    assert targets.read(text, place="here") == [text]


@pytest.mark.parametrize(("value", "text"), [(14, "14"), (2.5, "2.5"), ([3], "3"), ("[3]", "3"), (["a", 2], "a")])
def test_a_number_is_its_text(value: object, text: str) -> None:
    assert targets.read(value, place="here")[0] == text


def test_a_whole_fraction_is_right_in_both_spellings() -> None:
    assert sorted(targets.read(3.0, place="here")) == ["3", "3.0"]
    assert sorted(targets.read([-2.0, "none"], place="here")) == ["-2", "-2.0", "none"]


@pytest.mark.parametrize("truth", [True, False, [True], "[True]", ["yes", False]])
def test_a_truth_value_is_refused_since_yes_and_true_are_two_texts(truth: object) -> None:
    with pytest.raises(InputError, match=r"^here: .* is no text; write it as one, such as yes or no"):
        targets.read(truth, place="here")


@pytest.mark.parametrize(
    "box", [[1, 2], "[1, 2]", "(0.1, .2, 1e-3, 4)", "[1 2 3]", "[[1, 2], [3, 4]]", "array([1, 2])", "[ 1.  2.]"]
)
def test_numbers_are_a_box_and_no_alternatives(box: object) -> None:
    with pytest.raises(InputError, match="is a list of numbers, such as a box"):
        targets.read(box, place="here")
    assert targets.read([str(box)], place="here") == [str(box)]  # as the sentence says


@pytest.mark.parametrize(
    "nothing", [None, "", " ", "None", "nan", "null", float("nan"), [], "[]", "()", [None], "[None]"]
)
def test_what_is_not_there_is_refused(nothing: object) -> None:
    with pytest.raises(InputError, match=r"^here"):
        targets.read(nothing, place="here")


@pytest.mark.parametrize("torn", ["['a', 'b'", "array(['a', 'b']", '["a", ', "('a', b)", "['" * 10_000])
def test_what_is_cut_off_is_refused(torn: str) -> None:
    with pytest.raises(InputError, match=r"begins as a list and cannot be read as one|cut|written as one text"):
        targets.read(torn, place="here")


@pytest.mark.parametrize("other", [{"a": 1}, "{'a': 1}", '{"a": null}', {}, [["a"]], [{"a": 1}], "[['a'], ['b']]"])
def test_what_is_neither_text_nor_list_is_refused(other: object) -> None:
    with pytest.raises(InputError, match=r"is an object|neither text nor number"):
        targets.read(other, place="here")


@pytest.mark.parametrize("hostile", ["[" * 100_000, "(" + "9" * 100_000 + ")", "[" + "9 " * 50_000, "{" * 50_000])
def test_hostile_texts_are_read_as_themselves_at_once(hostile: str) -> None:
    assert targets.read(hostile, place="here") == [hostile]
