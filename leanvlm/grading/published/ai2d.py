"""AI2D: the right letter, alone or before a period.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/ai2d (read, not copied); they agree.
Quirks:  only "B. pupa" is read for its letter, so "B) pupa", "(B) pupa", "The answer is B." and "pupa" are wrong.
"""

from __future__ import annotations

import re

from leanvlm.grading.published import Asked
from leanvlm.grading.published._exact import is_same

IN_FRONT = re.compile(r"\s*([A-Z])\.")


def paper(answer: str, asked: Asked) -> float:
    """Give 1 for the right letter in any case, in ASCII signs or before a period and anything, else 0."""
    found = IN_FRONT.match(answer)
    return float(is_same(found[1] if found else answer, asked.answers[0]))


today = paper
