"""The target of a sample as a harness logs it: a value of JSON, or what Python writes for a list, tuple or array.

What can be read in one way only is read; a box, an object and what is cut off are refused.
"""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
import warnings
from collections.abc import Sequence

from leanvlm.right_answers import refuse_unfit, unfit

NUMBER = r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"
NUMBERS = re.compile(rf"[\[(][\[(\s]*+{NUMBER}(?:[\s,\[\]()]++{NUMBER})+[\s,\])]*+(?<=[\])])")
IN_THE_RED = re.compile(r"\(\d{1,3}(?:,\d{3})+(?:\.\d+)?\)")  # (1,200), an amount below 0
ARRAY = re.compile(r"array\((.*?)(?:,\s*dtype=[^()]*)?\)", re.DOTALL)
QUOTED = ("['", '["', "('", '("')
AS_LIST = "give it as a list of texts"
BOX = f"is a list of numbers, such as a box; where it is meant as text, {AS_LIST}"


def read(target: object, *, place: str) -> list[str]:
    """Read the right answers of one sample; any of them is right.

    Takes: target, a text, a number or a list of them; place, where it stands and which sample's it is.

    Raises: InputError where there is none, or an answer cannot be compared with it.
    """
    found = _unwrapped(target, place) if isinstance(target, str) else target
    if isinstance(found, dict):
        raise unfit(place, target, f"is an object; {AS_LIST}")
    answers = found if isinstance(found, list | tuple) else [found]
    if len(answers) > 1 and all(isinstance(one, int | float) for one in answers):
        raise unfit(place, target, BOX)
    texts = [text for one in answers for text in _texts_of(one, place, target)]
    refuse_unfit(texts, place=place)
    return [text for text in texts if text is not None]


def _unwrapped(text: str, place: str) -> object:
    """Read a text that is a literal of Python, JSON or numpy; any other text is itself, whatever it begins with."""
    stripped = text.strip()
    is_array = (array := ARRAY.fullmatch(stripped)) is not None
    literal = array[1].strip() if array else stripped
    if IN_THE_RED.fullmatch(literal) or not literal.startswith(("[", "(", "{")):
        return text
    if NUMBERS.fullmatch(literal):
        raise unfit(place, text, BOX)
    found = _literal(literal)
    if found is None and (is_array or literal.startswith(QUOTED)):
        raise unfit(place, text, f"begins as a list and cannot be read as one; {AS_LIST}")
    if isinstance(found, list | tuple) and all(isinstance(one, str) for one in found):
        return _apart(literal, found)
    return found if isinstance(found, list | tuple | dict) else text


def _literal(text: str) -> object:
    for parse in (ast.literal_eval, json.loads):
        try:
            with warnings.catch_warnings(action="ignore"):  # of signs that Python would not write so
                return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _apart(literal: str, found: Sequence[str]) -> list[str]:
    """Take apart what numpy writes without commas, ['a' 'b'], and Python would read as the one text "ab"."""
    tokens = tokenize.generate_tokens(io.StringIO(literal).readline)
    with warnings.catch_warnings(action="ignore"):
        texts = [ast.literal_eval(token.string) for token in tokens if token.type == tokenize.STRING]
    return texts if len(texts) > len(found) else list(found)


def _texts_of(value: object, place: str, target: object) -> list[str | None]:
    """Spell an answer; a fraction that is whole, as tables make of 3, is 3.0 and 3."""
    if value is None or isinstance(value, str):
        return [value]
    if isinstance(value, bool):
        raise unfit(place, target, "is no text; write it as one, such as yes or no")
    if isinstance(value, int):
        return [str(value)]
    if isinstance(value, float) and math.isfinite(value):
        return [str(value), str(int(value))] if value.is_integer() else [str(value)]
    raise unfit(place, target, f"holds what is neither text nor number; {AS_LIST}")
