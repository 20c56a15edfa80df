"""MathVista: the judge takes the short answer out of a long one, which is then compared with the right one.

Source:  Lu et al. 2023, arXiv 2310.02255, section 3.2: an answer's short form is extracted, brought to the question's
         type (a choice, a whole number, a decimal number of some digits, a list), and must be the right one.
Departs: the wording is ours. A short form of another type is no grade; the owners take the option with the nearest
         spelling, and an answer of no type for wrong.
"""

from __future__ import annotations

import json
import re
from math import isfinite

from leanvlm.judging import Asked, Message
from leanvlm.judging._choice import is_right, named
from leanvlm.judging._messages import conversation, marked
from leanvlm.letters import lettered

VERSION = "1"
MOST_TOKENS = 256
NONE = "none"
NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?<=\d)")
FORMS = {
    "choice": "the letter of the option that it chooses",
    "integer": "a whole number in digits, without a unit",
    "float": "a decimal number in digits, without a unit",
    "list": "a list of numbers in square brackets, as [1, 2.5]",
    "text": "the words that it gives as its result, and no others",
}
TASK = """\
Somebody answered a question with reasons and a result. Write down the result in its short form: {form}. Take it from \
the answer alone: do not solve the question, and do not mend a wrong result.

Reply with the short form alone, or with the word {none} where the answer comes to no result."""


def messages(asked: Asked) -> list[Message]:
    """Write the question, its options where there are some, and the answer."""
    options = [marked("options", lettered(asked.options))] if asked.options else []
    return conversation(
        TASK.format(form=FORMS[_kind(asked)], none=NONE),
        marked("question", asked.question),
        *options,
        marked("answer", asked.answer),
    )


def read(reply: str, asked: Asked) -> float | None:
    """Give 1 where the short form is the right answer, else 0; without a result an answer is worth 0."""
    said, kind = reply.strip(), _kind(asked)
    if said.lower().rstrip(".") == NONE:
        return 0.0
    if kind == "choice":
        index = named(said, asked.options)
        return None if index is None else float(is_right(index, asked))
    short = _short(said, kind, asked)
    return None if short is None else float(short in [_short(truth.strip(), kind, asked) for truth in asked.answers])


def _kind(asked: Asked) -> str:
    kind = str(asked.facts.get("answer_type", "text"))
    return "choice" if asked.options else kind if kind in FORMS else "text"


def _short(text: str, kind: str, asked: Asked) -> object:
    """Bring a text to a type; None where it is not of it."""
    if kind == "list":
        return _numbers(text)
    if kind == "text":
        return " ".join(text.lower().rstrip(".").split()) or None
    if not NUMBER.fullmatch(text):
        return None
    number = float(text.replace(",", ""))
    if not isfinite(number):
        return None
    return int(number) if kind == "integer" else round(number, int(asked.facts.get("precision") or 0))


def _numbers(text: str) -> list[float] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(found, list) and all(isinstance(one, int | float) and isfinite(one) for one in found)
    return [float(one) for one in found] if is_list and found else None
