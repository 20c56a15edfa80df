"""ImageDC: the number from 0 to 100 that a judge's reply ends in.

Source:  EffiVLM-Bench's fork of lmms-eval, tasks/internal_eval/dc100_en_utils.py (read, not copied).
Quirks:  only digits behind "Final Score: ", with one blank, are read, the first of several; decimals are cut off, and
         what is above 100 stays. A reply without them is 0. lmms-eval 0.7.3 asks its judge another question, for 0 or
         1, and its numbers cannot be compared with the paper's: `today` reads a reply to the paper's question too.
"""

from __future__ import annotations

import re

from leanvlm.grading.published import Asked

SCORE = re.compile(r"Final Score: (\d+)")


def read(reply: str) -> float | None:
    """Return the number, 0 to 100, None where there is none."""
    found = SCORE.search(reply)
    return float(found[1]) if found else None


def paper(reply: str, _asked: Asked) -> float:
    """Give the number, 0 to 100, or 0 where none can be read."""
    return read(reply) or 0.0


today = paper
