"""TextVQA: the share of people who gave the answer, where three are enough.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/textvqa/utils.py and tasks/_task_utils/vqa_eval_metric.py
         (read, not copied); they agree.
Quirks:  "none" is 0; articles go, also where the answer is the letter A; "'s" is set off, so "joe's" is not "joes";
         commas and question marks go wherever they stand, other signs leave a blank unless one is beside them anywhere;
         of the periods that no digit follows only the first 32 go; where only one person was asked nothing is right.
"""

from __future__ import annotations

from functools import lru_cache

from leanvlm.grading.published import Asked
from leanvlm.grading.published._contractions import CORRECTED
from leanvlm.grading.published._numbers import DIGITS
from leanvlm.grading.published._signs import without_signs

SMALL_NUMBERS = DIGITS | {"none": "0"}
ARTICLES = frozenset(("a", "an", "the"))
SPELLINGS = 2**16  # that are remembered: people say the same of a picture, and the same of many


def paper(answer: str, asked: Asked) -> float:
    """Give the mean, over leaving out each person, of the others who gave the answer, in thirds up to 1."""
    said = _spelt(answer)
    n_people = len(asked.answers)
    n_same = [_spelt(truth) for truth in asked.answers].count(said)
    without_one_of_them, without_another = min(1.0, (n_same - 1) / 3), min(1.0, n_same / 3)
    return (n_same * without_one_of_them + (n_people - n_same) * without_another) / n_people


today = paper


@lru_cache(SPELLINGS)
def _spelt(text: str) -> str:
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    text = without_signs(text.replace("\n", " ").replace("\t", " ").strip())
    words = (SMALL_NUMBERS.get(word, word) for word in text.split())
    return " ".join(CORRECTED.get(word, word) for word in words if word not in ARTICLES)
