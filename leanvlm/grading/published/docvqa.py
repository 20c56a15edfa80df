"""DocVQA: the share of letters that need no change, towards the nearest right answer.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, api/metrics.py, `anls` (read, not copied); they agree.
Quirks:  exactly half of the letters is worth 0.5 (the metric's paper says 0); letters are code points, so a composed
         accent differs from a decomposed one; edits are counted where runs of blanks are one blank, but their share is
         of the letters as they were written, in capitals ("ß" is two).
"""

from __future__ import annotations

from leanvlm.grading.published import Asked
from leanvlm.grading.published._distance import distance


def paper(answer: str, asked: Asked) -> float:
    """Give 1 less the share of letters that need a change, or 0 where that is below one half."""
    kept = 1 - min(_changed(answer, truth) for truth in asked.answers)
    return kept if kept >= 0.5 else 0.0


today = paper


def _changed(answer: str, truth: str) -> float:
    longest = max(len(truth.upper()), len(answer.upper()))
    said, right = _spelt(answer), _spelt(truth)
    if abs(len(said) - len(right)) * 2 > longest:
        return 1.0  # so many are missing that it is worth nothing, whatever the others are
    return distance(said, right) / longest if longest else 0.0


def _spelt(text: str) -> str:
    return " ".join(text.lower().split())
