r"""OCRBench: a right text anywhere in the answer.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/ocrbench/utils.py (read, not copied).
Quirks:  "12" is in "2012", and an empty right answer is in everything. Formulas (`dataset` is HME100k) lose all blanks
         and keep their case; the paper's fork makes the answer small and not the formula, so one with a capital, such
         as "\Delta", is never right there. lmms-eval 0.7.3 reads full-width signs as plain ones, but not in formulas.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked

FORMULAS = "HME100k"
PLAIN = {0x3000: " "} | {sign: sign - 0xFEE0 for sign in range(0xFF01, 0xFF5F)}  # of each full-width sign


def paper(answer: str, asked: Asked) -> float:
    """Give 1 where the answer holds a right text, else 0."""
    return _holds(answer.lower(), asked)


def today(answer: str, asked: Asked) -> float:
    """Give 1 where the answer holds a right text, else 0; full-width signs are plain ones, but in formulas."""
    if asked.facts.get("dataset") == FORMULAS:
        return _holds(answer, asked)
    return _holds(answer.translate(PLAIN), Asked(tuple(truth.translate(PLAIN) for truth in asked.answers)))


def _holds(answer: str, asked: Asked) -> float:
    spelt = _joined if asked.facts.get("dataset") == FORMULAS else _on_one_line
    said = spelt(answer)
    return float(any(spelt(truth) in said for truth in asked.answers))


def _joined(text: str) -> str:
    return text.strip().replace("\n", "").replace(" ", "")


def _on_one_line(text: str) -> str:
    return text.lower().strip().replace("\n", " ")
