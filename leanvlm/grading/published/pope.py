"""POPE: the answer is the word yes or no, and nothing else.

Source:  lmms-eval 0.7.3, tasks/pope/utils.py (read, not copied); EffiVLM-Bench does not ask it, so both are alike.
Quirks:  "Yes." is neither; its recall leaves answers that are neither out, and its share of yes is that of the right
         answers, not of what was said. `hallucination` counts both as POPE's paper does.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked


def paper(answer: str, asked: Asked) -> float:
    """Give 1 where the answer is the right word, else 0."""
    return float(answer.lower().strip() == asked.answers[0].lower().strip())


today = paper
