"""Video-MME: the right letter, wherever it stands.

Source:  EffiVLM-Bench's fork of lmms-eval and lmms-eval 0.7.3, tasks/videomme/utils.py (read, not copied).
Quirks:  in the paper's fork the first capital A, B, C or D is the answer, also one within a word: "Because" is B and
         "Answer: D" is A. Today the general reader of letters is asked; see _letters.py.
"""

from __future__ import annotations

import re

from leanvlm.grading.published import Asked
from leanvlm.grading.published._letters import letter

# what is taken out first, one after the other; two commas are missing in the harness, which glues two pairs together
LEFT_OUT = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",
    "Best answer:Best option:",
)
CAPITAL = re.compile("[ABCD]")


def paper(answer: str, asked: Asked) -> float:
    """Give 1 where the first capital A to D is the right one, else 0."""
    for words in LEFT_OUT:
        answer = answer.replace(words, "")
    found = CAPITAL.search(answer)
    return float(found is not None and found[0] == asked.answers[0])


def today(answer: str, asked: Asked) -> float:
    """Give 1 where the general reader finds the right letter, else 0."""
    return float(letter(answer) == asked.answers[0])
