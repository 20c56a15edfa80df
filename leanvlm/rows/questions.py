"""One of your own questions: a row with question, answers and images, checked before any model is asked.

    {"question": "what color?", "answers": ["red", "scarlet"], "images": ["a.png"]}

Any of several answers is right. Beside these a row may have

    options         what can be chosen: they are written below the question as A, B, ..., and the right answer is the
                    letter or the text of one
    rule            that grades it, a file of leanvlm/grading; else `choice` where there are options, and `exact`
                    where there are none
    group           rows of one group are drawn together for error bars; else those that show the same pictures
    turn            2, 3, ... in a conversation: it is asked after the model's answers to the turns of its group before
                    it, about the pictures of turn 1, which stands there as 1 or as nothing
    kind            what is asked for, a word
    sample_id       its name, without spaces; else its number
    max_new_tokens  most tokens of its answer; else those of all
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leanvlm import grading, targets
from leanvlm.right_answers import unfit
from leanvlm.rows import cells, lettered
from leanvlm.rows.cells import refuse, text
from leanvlm.rows.optional import is_number, label, plain, whole_number
from leanvlm.sample import Sample
from leanvlm.texts import perhaps

MOST_TOKENS, MOST_TURNS = 32_768, 1000
WITH_OPTIONS, WITHOUT = "choice", "exact"  # the rules of rows that name none


@dataclass(frozen=True)
class Question:
    """A row's number in its file, its sample without the pictures, and these: names or bytes."""

    number: int
    sample: Sample
    images: tuple[str | bytes, ...]


def question(row: Mapping[str, Any], number: int, *, place: str, rule: str) -> Question:
    """Read one row.

    Takes: row, by the columns' own names; place, what a sentence about it begins with; rule, of rows without one.

    Raises: InputError.
    """
    options = lettered.bare(_texts(row.get("options"), f"{place}: an option"))
    turn = whole_number(row.get("turn"), "turn", place, most=MOST_TURNS) or 1
    asked, images = text(row.get("question"), f"{place}: its question"), _images(row, turn, place)
    if "images" in row:  # else Parquet holds them, or there are none
        cells.refuse_misplaced(asked, len(images), place)
    answers = _answers(row.get("answers"), place)
    if options:
        lettered.refuse_unfit(options, place)
        asked, answers = lettered.shown(asked, options), lettered.right(_only(answers, place), options, place)
    sample = Sample(
        sample_id=_name(row, place) or f"{number:05d}",
        question=asked,
        answers=answers,
        options=options,
        rule=_rule(row.get("rule") or rule or (WITH_OPTIONS if options else WITHOUT), place),
        group_id=label(row.get("group"), f"{place}: its group"),
        kind=label(row.get("kind"), f"{place}: its kind") or "question",
        turn=turn,
        max_new_tokens=whole_number(row.get("max_new_tokens"), "max_new_tokens", place, most=MOST_TOKENS),
    )
    return Question(number, sample, images)


def _images(row: Mapping[str, Any], turn: int, place: str) -> tuple[str | bytes, ...]:
    if "images" in row and row["images"] is None and turn == 1:
        refuse(place, "names no picture; name one, or give [] where none is shown, or leave the column away")
    return cells.images(row, place)


def _answers(given: object, place: str) -> tuple[str, ...]:
    """Read texts and numbers; what is a list, but written as one text, may have been meant otherwise."""
    told = [plain(one) for one in given] if isinstance(given, list) else plain(given)
    answers = targets.read(told, place=place)
    if isinstance(told, str) and answers != [told]:
        raise unfit(place, told, "is a list written as one text; give its texts one by one, in a CSV with a | between")
    return tuple(answer.strip() for answer in answers)


def _only(answers: tuple[str, ...], place: str) -> str:
    if len(answers) > 1:
        refuse(place, f"has options and {len(answers)} right answers; one of the options must be right")
    return answers[0]


def _texts(given: object, place: str) -> tuple[str, ...]:
    several = given if isinstance(given, list) else [] if given is None else [given]
    return tuple(text(str(plain(one)) if is_number(one) else one, place) for one in several)


def _rule(rule: object, place: str) -> str:
    if rule not in grading.rules():
        near = perhaps(str(rule), grading.rules())
        refuse(place, f"has the rule {str(rule)[:30]!r}{near}; the rules are {', '.join(grading.rules())}")
    return str(rule)


def _name(row: Mapping[str, Any], place: str) -> str:
    name = label(row.get("sample_id"), f"{place}: its sample_id")
    if name.split() not in ([], [name]):
        refuse(place, f"has the sample_id {name[:40]!r}; a name has no spaces")
    return name
