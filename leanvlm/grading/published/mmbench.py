"""MMBench: the right letter, or the right option's text.

Source:  EffiVLM-Bench's fork of lmms-eval and lmms-eval 0.7.3, tasks/mmbench/mmbench_evals.py (read, not copied).
Quirks:  a question has four options; those that are not there are the text "nan", which is found in "banana". A lone A
         in more than three words is taken for the article. The paper's fork asks a judge where neither one letter nor
         one text is found; today's static variant asks the general reader of letters (see _letters.py), today's other
         one a judge too.
"""

from __future__ import annotations

from leanvlm.grading.published import Asked
from leanvlm.grading.published._letters import letter

FORMS = ("{}", "{}.", "{},", "{}:", "{})", "{}).", "({})", "({}).", ":{}", ":{},", ":{}.", ":{})", ":{}).")
WORDS = tuple({form.format(choice): choice for choice in "ABCDE"} for form in FORMS)  # E is read, and is no option
N_OPTIONS = 4


def paper(answer: str, asked: Asked) -> float | None:
    """Give 1 for the right letter or text, 0 for another, None where neither is found and a judge is asked."""
    chosen = _word(answer.split()) or _text(answer.lower(), asked.options)
    return float(chosen == asked.answers[0]) if chosen else None


def today(answer: str, asked: Asked) -> float:
    """Give 1 where a letter or a text is right, or the general reader finds the right letter, else 0."""
    grade = paper(answer, asked)
    return float(letter(answer) == asked.answers[0]) if grade is None else grade


def _word(words: list[str]) -> str:
    """Return the letter that is the only one of its form among the words, of the first form that has one."""
    there = set(words)
    for form in WORDS:
        found = form.keys() & there
        if len(found) == 1 and not (found == {"A"} and len(words) > 3):
            return form[found.pop()]
    return ""


def _text(answer: str, options: tuple[str, ...]) -> str:
    """Return the letter of the only option whose text is in the answer."""
    texts = (*options, *["nan"] * N_OPTIONS)[:N_OPTIONS]
    found = [choice for choice, text in zip("ABCD", texts, strict=True) if text.lower() in answer]
    return found[0] if len(found) == 1 else ""
