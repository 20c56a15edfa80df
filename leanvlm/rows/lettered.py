"""Questions with options: how they are shown to a model, and which letter is right."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leanvlm.letters import LETTERS, READ, index_of, lettered
from leanvlm.rows.cells import refuse

ASKED = "Answer with the letter of the right option."
OWN = re.compile(r"\(?([A-Za-z])[.):]\s+(\S.*)", re.DOTALL)  # a letter that an option carries itself


def shown(question: str, options: Sequence[str]) -> str:
    """Write the options below the question, a letter each, and ask for the letter."""
    return "\n".join([question, lettered(options), ASKED])


def bare(options: Sequence[str]) -> tuple[str, ...]:
    """Take their letters off options that carry some, each the letter of its place; they are shown with one."""
    found = [OWN.fullmatch(option.strip()) for option in options]
    texts = [one[2] for one, letter in zip(found, LETTERS, strict=False) if one and one[1].upper() == letter]
    return tuple(texts if len(texts) == len(options) else options)


def right(answer: str, options: Sequence[str], place: str) -> tuple[str, ...]:
    """Find the option that a right answer names, by its letter, its text or both; return its letter, and its text.

    A text that is a letter itself would be taken for another option's, and is left out.

    Raises: InputError, beginning with `place`, for an answer that names none, or could name two.
    """
    by_text = {option.strip().casefold(): letter for letter, option in zip(LETTERS, options, strict=False)}
    said = answer.strip()
    if (both := OWN.fullmatch(said)) and by_text.get(both[2].casefold()) == both[1].upper():
        said = both[2]
    found = {by_text[said.casefold()]} if said.casefold() in by_text else set[str]()
    if index_of(said.upper(), options) is not None:
        found.add(said.upper())
    if len(found) > 1:
        refuse(place, f"has the right answer {said!r}, one option's letter and another's text; leave the text away")
    if not found:
        refuse(place, f"has the right answer {said[:40]!r}, which is none of its {len(options)} options, nor a letter "
                      f"from A to {LETTERS[len(options) - 1]}")  # fmt: skip
    letter = found.pop()
    text = options[LETTERS.index(letter)].strip()
    return (letter,) if len(text) == 1 else (letter, text)


def refuse_unfit(options: Sequence[str], place: str) -> None:
    """Refuse options that cannot be told apart.

    Raises: InputError.
    """
    if not 2 <= len(options) <= len(READ):
        refuse(place, f"has {len(options)} options; 2 to {len(READ)} can be chosen from, or leave the column away")
    if len({option.strip().casefold() for option in options}) < len(options):
        refuse(place, "has an option twice; write each once")
