"""What each benchmark's judge is told, and which replies are grades; the numbers are worked by hand."""

from __future__ import annotations

import json

import pytest

from leanvlm import judging
from leanvlm.errors import InputError
from leanvlm.judging import Asked

OPTIONS = ("a cat", "a dog", "a cow")
PLAIN = Asked("what?", "it is red", ("red",))
CHOICE = Asked("what?", "the barking one", ("B",), OPTIONS)
BY_TEXT = Asked("what?", "the barking one", ("a dog",), OPTIONS, {"answer_type": "text"})
WHOLE = Asked("how many?", "I count twelve hundred", ("1200",), facts={"answer_type": "integer"})
DECIMAL = Asked("how far?", "about 2.5", ("2.54",), facts={"answer_type": "float", "precision": 1.0})
LIST = Asked("which?", "one and two", ("[1, 2.0]",), facts={"answer_type": "list"})
WORDS = Asked("who?", "it is Anna Bell, I think", ("Anna Bell",), facts={"answer_type": "text"})

GRADED = [
    ("mmvet", PLAIN, {"0.5": 0.5, "1.0": 1.0, "1": 1.0, "0": 0.0, " 0.7\n": 0.7}),
    ("llava_wilder", PLAIN, {"10 8\nGood.": 0.8, "10 8\r\nGood": 0.8, "10 10": 1.0, "9 8.5": 0.85, "\n10 0": 0.0}),
    (
        "imagedc",
        PLAIN,
        {"Fine.\nFinal Score: 85": 0.85, "final score: 100/100": 1.0, "Final Score: 7\nFinal Score: 7": 0.07},
    ),
    ("mmbench", CHOICE, {"B": 1.0, "b.": 1.0, "(B)": 1.0, "A": 0.0, "D": 0.0}),  # D: none of these
    ("mmbench", BY_TEXT, {"B": 1.0, "C": 0.0}),
    ("mathvista", BY_TEXT, {"B": 1.0, "(C)": 0.0, "none": 0.0}),
    ("mathvista", WHOLE, {"1200": 1.0, "1,200": 1.0, "1200.0": 1.0, "12": 0.0, "None.": 0.0}),
    ("mathvista", DECIMAL, {"2.5": 1.0, "2.54": 1.0, "2.6": 0.0, "-2.5": 0.0}),
    ("mathvista", LIST, {"[1.0, 2]": 1.0, "[2, 1]": 0.0}),
    ("mathvista", WORDS, {"anna bell": 1.0, "Anna  Bell.": 1.0, "Anna": 0.0}),
]
NO_GRADE = [
    ("mmvet", PLAIN, ("", "11 of 10", "1.1", "-0.1", "Score: 0.7", "0,5", "nan", "inf", "0.5 0.7", "1e-1", "٠")),
    ("llava_wilder", PLAIN, ("", "10", "11 of 10", "10 11", "11 10", "10 8 7", "**10 8**", "10/10 8/10", "Good\n10 8")),
    (
        "imagedc",
        PLAIN,
        ("", "85", "Score: 85", "Final Score: 101", "Final Score: 85.5", "Final Score: 100\nFinal Score: 90"),
    ),
    ("mmbench", CHOICE, ("", "E", "dog", "B or C", "the answer is B", "2")),
    ("mathvista", BY_TEXT, ("", "D", "a bat", "A and B")),
    ("mathvista", WHOLE, ("", "many", "12 km", "1,2", "9" * 400, "12-13")),
    ("mathvista", LIST, ("", "1, 2", "[]", '["one"]', "[1", "[NaN]")),
    ("mathvista", WORDS, ("", " . ")),
]


@pytest.mark.parametrize(
    ("name", "asked", "reply", "grade"),
    [(name, asked, reply, grade) for name, asked, replies in GRADED for reply, grade in replies.items()],
)
def test_a_reply_as_it_was_asked_for_is_a_grade(name: str, asked: Asked, reply: str, grade: float) -> None:
    assert judging.load(name).read(reply, asked) == pytest.approx(grade)


@pytest.mark.parametrize(
    ("name", "asked", "reply"), [(name, asked, reply) for name, asked, replies in NO_GRADE for reply in replies]
)
def test_any_other_reply_is_none(name: str, asked: Asked, reply: str) -> None:
    assert judging.load(name).read(reply, asked) is None


@pytest.mark.parametrize("name", judging.ids())
def test_every_judge_is_told_what_it_judges_in_a_form_that_can_be_kept_and_compared(name: str) -> None:
    asked = Asked("why blue?", "because of the 5\u2028sea", ("the right one",), OPTIONS, images=(b"no picture",))
    messages = judging.load(name).messages(asked)
    assert [message["role"] for message in messages] == ["system", "user"]
    assert json.loads(json.dumps(messages)) == messages == judging.load(name).messages(asked)
    said = messages[1]["content"]
    text = said if isinstance(said, str) else said[0]["text"]
    assert asked.question in text
    assert asked.answer in text
    assert judging.load(name).VERSION
    assert judging.load(name).MOST_TOKENS > 0
    other = judging.load(name).messages(Asked(asked.question, "another", asked.answers, OPTIONS))
    assert other != messages


@pytest.mark.parametrize(
    ("name", "sees_pictures", "sees_right"),
    [
        ("llava_wilder", True, True),
        ("imagedc", True, False),
        ("mmvet", False, True),
        ("mmbench", False, False),
        ("mathvista", False, False),
    ],
)
def test_who_sees_the_picture_and_the_right_answer(name: str, sees_pictures: bool, sees_right: bool) -> None:
    asked = Asked("what?", "an answer", ("the-right-one",), images=(b"1", b"2"))
    messages = json.dumps(judging.load(name).messages(asked))
    assert messages.count("sha256:") == 2 * sees_pictures
    assert ("the-right-one" in messages) is sees_right


def test_a_judge_without_a_file_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"no judge 'mmvett' \(perhaps mmvet\); .* imagedc, llava_wilder"):
        judging.load("mmvett")
