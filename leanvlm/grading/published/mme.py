"""MME: yes or no, at the beginning of the answer.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/mme/utils.py (read, not copied); they agree.
Quirks:  four signs are looked at, so "**Yes**" is neither, "know" and "Not sure" say no, and "eyes" says yes; "y" and
         "n" count where they stand alone.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked

SEEN = 4  # signs of the answer
LETTERS = {"y": "yes", "n": "no"}


def paper(answer: str, asked: Asked) -> float:
    """Give 1 where the answer says what is right, else 0."""
    return float(_said(_spelt(answer)) == _spelt(asked.answers[0]))


today = paper


def _said(spelt: str) -> str | None:
    if len(spelt) == 1:
        return LETTERS.get(spelt)
    return next((word for word in ("yes", "no") if word in spelt[:SEEN]), None)


def _spelt(text: str) -> str:
    return text.lower().strip().replace(".", "")
