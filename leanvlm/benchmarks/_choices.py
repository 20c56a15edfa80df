"""Options of a multiple choice: their letters, and what is right of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

LETTERS = ascii_uppercase


def lettered(options: Sequence[str], form: str = "{letter}. {option}") -> str:
    """Write one option a line, with its letter."""
    return "\n".join(
        form.format(letter=letter, option=option) for letter, option in zip(LETTERS, options, strict=False)
    )


def right(letter: str, options: Sequence[str]) -> tuple[str, ...]:
    """Give the right answers of a choice: the letter, and its option's text where there is one."""
    index = LETTERS.find(letter) if len(letter) == 1 else -1
    text = options[index] if 0 <= index < len(options) else ""
    return (letter, text) if text.strip() else (letter,)


def stated(text: str, letter: str) -> tuple[str, ...]:
    """Find the options that a question states, each behind its letter; none where the letters are not A, B, C, ...

    Takes: letter, a pattern whose first group is the letter; an option's text ends where its line does.
    """
    _, *found = re.split(letter, text.strip())
    if len(found) < 4 or "".join(found[::2]) != LETTERS[: len(found) // 2]:
        return ()
    return tuple(option.partition("\n")[0].strip() for option in found[1::2])
