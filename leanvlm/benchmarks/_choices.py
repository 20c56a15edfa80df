"""Options of a multiple choice: their letters, and what is right of them."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase as LETTERS


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
