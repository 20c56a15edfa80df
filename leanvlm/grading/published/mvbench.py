"""MVBench: the right letter, the first that stands alone.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/mvbench/utils.py (read, not copied); they agree.
Quirks:  the article "a" is the letter A; letters are read to E, whatever the options are; a letter beside a Chinese one
         is not alone; an empty answer is worth 0 here and is left out of the harness's mean.
"""

from __future__ import annotations

import re

from leanvlm.grading.published import Asked
from leanvlm.grading.published._signs import without_signs

IN_FRONT = re.compile(r"([A-E])\.\s*.+$", re.IGNORECASE)  # and nothing on a further line
ALONE = re.compile(r"\b([a-e])\b")


def paper(answer: str, asked: Asked) -> float:
    """Give 1 where the letter in front of a period, or else the first one alone, is right, else 0."""
    found = IN_FRONT.match(answer) or ALONE.search(_spelt(answer))
    return float(found is not None and found[1].upper() == asked.answers[0])


today = paper


def _spelt(answer: str) -> str:
    return without_signs(answer.replace("\n", " ").replace("\t", " ")).lower()
