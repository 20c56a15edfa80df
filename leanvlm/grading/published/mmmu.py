"""MMMU: the right letter, or in an open question the right number or words.

Source:  lmms-eval 0.7.3 and EffiVLM-Bench's fork of it, tasks/mmmu/utils.py and today's
         tasks/_task_utils/mmmu_mcq_utils.py (read, not copied), which are the benchmark's own rules; they agree.
Quirks:  where no letter is found one is drawn by lot, for "b", "B)" and "**B**" too: the grade is then the chance. Of
         several letters the last counts that stands between blanks; a capital at a word's end is one too. In an open
         question a right text may stand anywhere in a part of the answer, so "comparison" holds "Paris"; numbers are
         rounded to hundredths; right answers that are written as one list are one text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leanvlm.grading.published import Asked
from leanvlm.grading.published._letters import stripped
from leanvlm.letters import LETTERS

CHOICE = "multiple-choice"  # the question_type; any other is an open question
SIGNS = ",.!?;:'"
LONG = 5  # words, above which options' texts are looked for
ANNOUNCED = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
NOTHING = frozenset(":,.!?;'")
NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)
DIGIT = re.compile(r"\d")


def paper(answer: str, asked: Asked) -> float:
    """Give 1 for a right choice or open answer, 0 for a wrong one, and the chance where one would be drawn by lot."""
    is_choice = asked.options and asked.facts.get("question_type", CHOICE) == CHOICE
    return (_choice if is_choice else _open)(answer, asked)


today = paper


def _choice(answer: str, asked: Asked) -> float:
    letters = LETTERS[: len(asked.options)]
    chosen = _letter(f" {stripped(answer, SIGNS)} ", letters, asked.options)
    right = asked.answers[0]
    return float(chosen == right) if chosen else (right in tuple(letters)) / len(letters)


def _letter(answer: str, letters: str, options: tuple[str, ...]) -> str:
    """Return the letter that is in brackets, before a blank or before a period, else of the text that is said."""
    for form, counts in (("({})", "({})"), ("{} ", " {} "), ("{}.", " {} ")):
        if found := [choice for choice in letters if form.format(choice) in answer]:
            return max(found, key=lambda choice: answer.rfind(counts.format(choice)))
    if len(answer.split()) <= LONG:
        return ""
    small = answer.lower()
    places = {choice: small.rfind(option.lower()) for choice, option in zip(letters, options, strict=True)}
    last = max(letters, key=places.__getitem__)
    return last if places[last] >= 0 else ""


def _open(answer: str, asked: Asked) -> float:
    right = [value for truth in asked.answers for value in _values(truth)]
    right_texts = [value for value in right if isinstance(value, str)]
    right_numbers = [value for value in right if not isinstance(value, str)]
    return float(
        any(
            value in right_numbers if isinstance(value, float) else any(text in value for text in right_texts)
            for value in _said(answer.strip().strip(".").lower(), with_numbers=bool(right_numbers))
        )
    )


def _said(answer: str, *, with_numbers: bool) -> Iterator[str | float]:
    for part in list(_parts(answer)) or [answer]:
        yield from _values(part)
        if with_numbers and DIGIT.search(part):
            for pattern in NUMBERS:
                for number in pattern.findall(part):
                    yield from _values(number)


def _parts(answer: str) -> Iterator[str]:
    """Yield the shortest text of each line that follows words which announce an answer, or an equals sign at last."""
    *lines, last = answer.split("\n")
    for line, announced in (*((line, ANNOUNCED) for line in lines), (last, (*ANNOUNCED, "="))):
        shortest = ""
        for words in announced:
            if words in line:
                rest = line.rpartition(words)[2].strip()
                shortest = rest if not shortest or len(rest) < len(shortest) else shortest
        if shortest and shortest not in NOTHING:
            yield shortest


def _values(text: str) -> list[str | float]:
    """Read a number, in hundredths, or a text in small letters; a single letter counts beside a blank only."""
    text = text.strip()
    try:
        return [round(float(text.replace(",", "")), 2)]
    except ValueError:
        small = text.lower()
        return [f" {small}", f"{small} "] if len(small) == 1 else [small]
