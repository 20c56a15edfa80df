"""ChartQA: a number within 5 % of the right one, or the right text.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/chartqa/utils.py (read, not copied); they agree.
Quirks:  years are numbers, so 2015 is right for 2014; "1,234", "$45" and "45 cm" are texts; "12%" is 0.12, so "12" is
         wrong for it; 5 % is taken in binary, so 14.7 is right for 14 and 1.47 wrong for 1.4; with 0 the texts must be
         the same; what Python reads as a number is one: "1_000", "inf", digits of any script.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked

TOLERANCE = 0.05  # of the right number


def paper(answer: str, asked: Asked) -> float:
    """Give 1 for a number that is near enough or the same text in any case, else 0."""
    return float(any(_is_near(answer, truth) for truth in asked.answers))


today = paper


def _is_near(answer: str, truth: str) -> bool:
    said, right = _number(answer), _number(truth)
    if said is not None and right:
        return abs(said - right) / abs(right) <= TOLERANCE
    return answer.lower() == truth.lower()


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
