"""One of your own questions: a row with question, answers and images, checked before any model is asked.

    {"question": "what color?", "answers": ["red", "scarlet"], "images": ["a.png"]}

Any of several answers is right. Beside these a row may have

    options         what can be chosen: they are written below the question as A, B, ..., and the right answer is the
                    letter or the text of one
    rule            that grades it, a file of leanvlm/grading; else `choice` where there are options, and `exact`
                    where there are none
    group           rows of one group are drawn together for error bars; else those that show the same pictures
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
from leanvlm.sample import Sample
from leanvlm.texts import perhaps

MOST_TOKENS = 32_768
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
    options = _texts(row.get("options"), f"{place}: an option")
    asked, images = text(row.get("question"), f"{place}: its question"), _images(row, place)
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
        group_id=_label(row.get("group"), f"{place}: its group"),
        kind=_label(row.get("kind"), f"{place}: its kind") or "question",
        max_new_tokens=_limit(row.get("max_new_tokens"), place),
    )
    return Question(number, sample, images)


def _images(row: Mapping[str, Any], place: str) -> tuple[str | bytes, ...]:
    if "images" in row and row["images"] is None:
        refuse(place, "names no picture; name one, or give [] where none is shown, or leave the column away")
    return cells.images(row, place)


def _answers(given: object, place: str) -> tuple[str, ...]:
    """Read texts and numbers; what is a list, but written as one text, may have been meant otherwise."""
    if isinstance(given, bool):
        raise unfit(place, given, "is no text; write it as one, such as yes or no")
    plain = [_plain(one) for one in given] if isinstance(given, list) else _plain(given)
    answers = targets.read(plain, place=place)
    if isinstance(plain, str) and answers != [plain]:
        raise unfit(place, plain, "is a list written as one text; give its texts one by one, in a CSV with a | between")
    return tuple(answer.strip() for answer in answers)


def _plain(value: object) -> object:
    """Write 3.0 as 3: tables make fractions of whole numbers in a column that has gaps."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _only(answers: tuple[str, ...], place: str) -> str:
    if len(answers) > 1:
        refuse(place, f"has options and {len(answers)} right answers; one of the options must be right")
    return answers[0]


def _texts(given: object, place: str) -> tuple[str, ...]:
    several = given if isinstance(given, list) else [] if given is None else [given]
    return tuple(text(str(_plain(one)) if _is_number(one) else one, place) for one in several)


def _rule(rule: object, place: str) -> str:
    if rule not in grading.rules():
        near = perhaps(str(rule), grading.rules())
        refuse(place, f"has the rule {str(rule)[:30]!r}{near}; the rules are {', '.join(grading.rules())}")
    return str(rule)


def _name(row: Mapping[str, Any], place: str) -> str:
    name = _label(row.get("sample_id"), f"{place}: its sample_id")
    if name.split() not in ([], [name]):
        refuse(place, f"has the sample_id {name[:40]!r}; a name has no spaces")
    return name


def _label(value: object, place: str) -> str:
    """Read what may be left out: a text, or a number as one."""
    if value is None:
        return ""
    return text(str(_plain(value)) if _is_number(value) else value, place)


def _limit(value: object, place: str) -> int | None:
    if value is None:
        return None
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() and len(value) < 9 else _plain(value)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_TOKENS:
        refuse(place, f"has max_new_tokens {str(value)[:30]!r}; it must be a whole number from 1 to {MOST_TOKENS:,}")
    return number


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
