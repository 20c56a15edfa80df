"""GQA: the right answer, but for case and signs.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/gqa/gqa.yaml (read, not copied); they agree.
Quirks:  signs go wherever they stand, so "3.5" is "35" and "-5" is "5"; articles, number words and blanks stay.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked
from leanvlm.grading.published._exact import is_same


def paper(answer: str, asked: Asked) -> float:
    """Give 1 for a right text in any case, with or without ASCII signs, else 0."""
    return float(any(is_same(answer, truth) for truth in asked.answers))


today = paper
