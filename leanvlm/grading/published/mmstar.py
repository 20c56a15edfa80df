"""MMStar: the right letter, where the answer begins with one.

Source:  EffiVLM-Bench's fork of lmms-eval, tasks/mmstar/utils.py, which is the benchmark's own rule; lmms-eval 0.7.3,
         the same file and its general reader of letters (read, not copied).
Quirks:  in the paper's fork the first letter of any word is an answer: "a bus" chooses A, "because" B, "cannot tell" C.
         Today only capitals count; see _letters.py.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked
from leanvlm.grading.published._letters import letter

BEFORE = ("", "(", "option ", "the answer is ")


def paper(answer: str, asked: Asked) -> float:
    """Give 1 where the answer begins with the right letter in any case, also behind a few words, else 0."""
    right = asked.answers[0].lower()
    return float(answer.lower().replace("\n", " ").startswith(tuple(before + right for before in BEFORE)))


def today(answer: str, asked: Asked) -> float:
    """Give 1 where the general reader finds the right letter, else 0."""
    return float(letter(answer) == asked.answers[0].upper())
