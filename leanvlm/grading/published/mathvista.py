"""MathVista: the right option, number or list, once the answer is short.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/mathvista/mathvista_evals.py (read, not copied); they
         agree. Both ask a judge to shorten every answer that is not short: neither an option's text nor a number of
         its type. Where no judge is there the rule reads the answer as if a judge had repeated it.
Quirks:  what names no option is the option with the fewest edits, so an empty answer is one too; a whole number is cut
         off, not rounded; lists are texts, blanks included. `precision` is taken as a whole number: with the hub's
         float64 both harnesses count every question with decimals wrong.
"""

from __future__ import annotations

import math
import re

from leanvlm.grading.published import Asked
from leanvlm.grading.published._distance import distance
from leanvlm.letters import LETTERS

IN_BRACKETS = re.compile(r"\(([a-zA-Z])\)")


def paper(answer: str, asked: Asked) -> float:
    """Give 1 where the short answer is the right one, else 0."""
    is_choice = asked.facts.get("question_type") == "multi_choice"
    read = _option(answer, asked.options) if is_choice else _value(answer, asked)
    return float(read.strip() in [truth.strip() for truth in asked.answers])


today = paper


def is_short(answer: str, asked: Asked) -> bool:
    """Say whether the harnesses take an answer as it is, and ask no judge to shorten it."""
    is_option = asked.facts.get("question_type") == "multi_choice" and answer in asked.options
    number = {"integer": int, "float": float}.get(str(asked.facts.get("answer_type")))
    return not answer or is_option or (number is not None and _is_read(answer, number))


def _option(answer: str, options: tuple[str, ...]) -> str:
    in_brackets = IN_BRACKETS.search(answer)
    said = in_brackets[1].upper() if in_brackets else answer
    if said in tuple(LETTERS[: len(options)]):
        return options[LETTERS.index(said)]
    return said if said in options else _nearest(said, options)


def _nearest(said: str, options: tuple[str, ...]) -> str:
    """Return the first of the options that take the fewest edits; as many as letters are missing are needed."""
    nearest, fewest = "", math.inf
    for option in options:
        if abs(len(option) - len(said)) < fewest and (n_edits := distance(said, option)) < fewest:
            nearest, fewest = option, n_edits
    return nearest


def _value(answer: str, asked: Asked) -> str:
    """Write a number as it is compared; one that cannot be read is the text None, as in the harness."""
    kind = asked.facts.get("answer_type")
    try:
        if kind == "integer":
            return str(int(float(answer)))
        if kind == "float":
            return str(round(float(answer), int(asked.facts.get("precision") or 0)))
    except (ValueError, OverflowError):
        return str(None)
    return answer


def _is_read(answer: str, number: type[int | float]) -> bool:
    try:
        number(answer)
    except ValueError:
        return False
    return True
