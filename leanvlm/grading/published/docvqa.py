"""DocVQA and MP-DocVQA: the share of letters that need no change, towards the nearest right answer.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, `anls` (read, not copied); they agree.
Quirks:  exactly half of the letters is worth 0.5 (the metric's paper says 0); letters are code points, so a composed
         accent differs from a decomposed one; runs of blanks count as one.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked
from leanvlm.grading.published._distance import distance


def paper(answer: str, asked: Asked) -> float:
    """Give 1 less the normalised edit distance, or 0 where that is below one half."""
    return max((_nearness(_spelt(answer), _spelt(truth)) for truth in asked.answers), default=0.0)


today = paper


def _spelt(text: str) -> str:
    return " ".join(text.strip().lower().split())


def _nearness(said: str, truth: str) -> float:
    longest = max(len(said), len(truth))
    kept = 1 - distance(said, truth) / longest if longest else 1.0
    return kept if kept >= 0.5 else 0.0
