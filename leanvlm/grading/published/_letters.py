"""Which letter, A to D, an answer chooses, as today's lmms-eval reads it for several benchmarks.

Source:  lmms-eval 0.7.3, tasks/_task_utils/mcq_extract.py (read, not copied).
Quirks:  only capitals count; of what is said to be the answer, each letter counts where it first stands behind such
         words, also within a word, and the last of them is chosen: "I think the answer is B because C is wrong" is C.
"""

from __future__ import annotations

CHOICES = ("A", "B", "C", "D")
SIGNS = ",.!?;:'\""
NOUNS = ("answer", "correct answer", "best answer", "correct option", "best option", "choice", "correct choice")
ANNOUNCED = (
    *(f"{the}{noun} is" for noun in NOUNS for the in ("the ", "")),
    *("i choose", "i select", "i pick", "my answer is", "my choice is"),
    *("옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは"),
)
FORMS = ("({})", "{}.", "{}:", "{})", "{} ", "{}")  # the surest first; the last is a letter anywhere
WRITTEN = tuple(tuple((form.format(choice), choice) for choice in CHOICES) for form in FORMS)


def letter(answer: str) -> str:
    """Return the letter that the answer chooses, or nothing."""
    bare = stripped(answer.strip(), SIGNS)
    text = f" {bare} "
    if not any(choice in text for choice in CHOICES):
        return ""
    return _at_an_end(bare.strip()) or _announced(text) or _written(text)


def stripped(text: str, signs: str) -> str:
    """Take signs off both ends, one kind after the other: what a later one uncovers stays."""
    for sign in signs:
        text = text.strip(sign)
    return text


def _at_an_end(text: str) -> str:
    if text[:1] in CHOICES and not text[1:2].isalpha():
        return text[:1]
    return text[-1:] if text[-1:] in CHOICES and not text[-2:-1].isalpha() else ""


def _announced(text: str) -> str:
    small = text.lower()
    ends = {small.find(words) + len(words) for words in ANNOUNCED if words in small}
    return _last({text.find(choice, end): choice for end in ends for choice in CHOICES})


def _written(text: str) -> str:
    for forms in WRITTEN:
        if found := _last({text.rfind(form): choice for form, choice in forms}):
            return found
    return ""


def _last(places: dict[int, str]) -> str:
    place = max(places, default=-1)
    return places[place] if place >= 0 else ""
