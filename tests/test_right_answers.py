"""Right answers: what no answer can be compared with is refused, and says where it stands."""

from __future__ import annotations

import pytest

from leanvlm import right_answers
from leanvlm.errors import InputError

BLANKS = ["", " ", "\n\t", "\u00a0", "\u200b", "\ufeff", "\0"]
FIT = [["red"], ["red", "red"], ["none"], ["None", "none"], ["0"], ["-"], ["[cut"], ["(B) red"], ["('x')"], ["nan's"]]


@pytest.mark.parametrize("answers", FIT)
def test_any_text_is_a_right_answer(answers: list[str]) -> None:
    right_answers.refuse_unfit(answers, place="here")


@pytest.mark.parametrize("answers", [None, [], ()])
def test_none_is_refused(answers: list[str] | None) -> None:
    with pytest.raises(InputError, match=r"^sample 3 of x has no right answers; give one at least"):
        right_answers.refuse_unfit(answers, place="sample 3 of x")


@pytest.mark.parametrize("blank", [None, *BLANKS])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_that_is_empty_is_refused_wherever_it_stands(blank: str | None, at: int) -> None:
    answers: list[str | None] = ["red", "blue"]
    answers.insert(at, blank)
    with pytest.raises(InputError, match=r"^here has an empty right answer"):
        right_answers.refuse_unfit(answers, place="here")


@pytest.mark.parametrize("word", sorted(right_answers.MISSING))
def test_a_word_for_nothing_is_refused_until_it_is_meant(word: str) -> None:
    for alone in ([word], [word, word], [f" {word}"]):
        with pytest.raises(InputError, match="stands for a missing one; where the word is meant"):
            right_answers.refuse_unfit(alone, place="here")
    right_answers.refuse_unfit([word, word.swapcase()], place="here")


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "red\udfff"])
def test_a_sign_that_no_file_holds_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="holds a NUL or half a sign") as caught:
        right_answers.refuse_unfit([text], place="here")
    assert str(caught.value).isascii()


@pytest.mark.parametrize("text", ["['a', 'b']", "['a' 'b']", '["a"]', "('a', 'b')", "array(['a'], dtype=object)"])
def test_a_list_that_became_one_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is a list written as one text"):
        right_answers.refuse_unfit([text], place="here")


def test_a_sentence_stays_short_whatever_the_answer() -> None:
    with pytest.raises(InputError) as caught:
        right_answers.refuse_unfit(["\ud800" * 10_000], place="here")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("word", ["-", "???", "N/A", "dummy", "-1", "none", " Unknown ", "test"])
def test_one_word_that_says_nothing_of_all_samples_is_refused(word: str) -> None:
    with pytest.raises(InputError, match=r"^x has no right answers: that of each of its 5 samples is"):
        right_answers.refuse_placeholders([[word]] * 5, benchmark="x")
    right_answers.refuse_placeholders([[word]] * 4, benchmark="x")
    right_answers.refuse_placeholders([*[[word]] * 5, ["red"]], benchmark="x")
    right_answers.refuse_placeholders([[word, "red"]] * 5, benchmark="x")


@pytest.mark.parametrize("word", ["yes", "no", "B", "0", "red"])
def test_one_word_that_may_be_right_for_all_is_none_of_these(word: str) -> None:
    right_answers.refuse_placeholders([[word]] * 100, benchmark="x")
