"""MP-DocVQA: as DocVQA, by a scorer of its own.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/multidocvqa/utils.py (read, not copied); they agree.
Quirks:  an answer that is empty or the word "none" is worth 0, also where "none" is right; two blanks inside are two
         letters; exactly half of the letters is worth 0.5; letters are code points.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked
from leanvlm.grading.published._distance import distance


def paper(answer: str, asked: Asked) -> float:
    """Give 1 less the share of letters that need a change, or 0 where that is below one half."""
    said = answer.lower().strip()
    if said in ("", "none"):
        return 0.0
    kept = max(_kept(said, truth.lower().strip()) for truth in asked.answers)
    return kept if kept >= 0.5 else 0.0


today = paper


def _kept(said: str, right: str) -> float:
    longest = max(len(said), len(right))
    if abs(len(said) - len(right)) * 2 > longest:
        return 0.0  # so many are missing that it is worth nothing, whatever the others are
    return 1 - distance(said, right) / longest
