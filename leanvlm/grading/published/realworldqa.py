"""RealWorldQA: the right letter, or the right word or number.

Source:  EffiVLM-Bench's fork of lmms-eval and lmms-eval 0.7.3, tasks/realworldqa (read, not copied).
Quirks:  in the paper's fork an option's text in the answer, in the same case, chooses its letter, whatever letter the
         answer names; one that holds a sign is never found, since signs are taken out of the answer first. A letter is
         right only where nothing else is said. Today letters are read by the general reader (see _letters.py), option
         texts are not, and number words are no numbers.
"""

from __future__ import annotations

import re

from leanvlm.grading.published import Asked
from leanvlm.grading.published._exact import is_same
from leanvlm.grading.published._letters import letter
from leanvlm.grading.published._numbers import DIGITS
from leanvlm.letters import LETTERS

SIGN = re.compile(r"[^\w\s]")


def paper(answer: str, asked: Asked) -> float:
    """Give 1 for the right letter, the right option's text or the right word, in any case and any signs, else 0."""
    said = SIGN.sub("", DIGITS.get(answer.lower(), answer)).strip()
    return float(is_same(_chosen(said, asked.options) or said, asked.answers[0]))


def today(answer: str, asked: Asked) -> float:
    """Give 1 for the right letter, or the right word in any case, else 0."""
    right = asked.answers[0].strip()
    if right.upper() in tuple("ABCD"):
        return float(letter(answer) == right.upper())
    return float(answer.lower().strip().rstrip(".") == right.lower())


def _chosen(said: str, options: tuple[str, ...]) -> str:
    """Return the letter of the option whose text stands first in what is said; of equal options the last's."""
    texts = [option.strip() for option in options]
    found = [(said.find(text), index) for index, text in enumerate(texts) if text in said]
    if not found:
        return ""
    first = texts[min(found)[1]]
    return LETTERS[len(texts) - 1 - texts[::-1].index(first)]
