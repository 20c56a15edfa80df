"""The letters of options: how many there are, how options are listed behind them, and which option one stands for."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

LETTERS = ascii_uppercase  # of options, in their order
READ = LETTERS[:10]  # those that the rule `choice` finds in an answer; see leanvlm/grading/_readable.sql


def lettered(options: Sequence[str], form: str = "{letter}. {option}") -> str:
    """Write one option a line, with its letter."""
    return "\n".join(
        form.format(letter=letter, option=option) for letter, option in zip(LETTERS, options, strict=False)
    )


def index_of(letter: str, options: Sequence[str]) -> int | None:
    """Say which option a capital stands for, counted from 0; None where it is no option's letter."""
    index = LETTERS.find(letter) if len(letter) == 1 else -1
    return index if 0 <= index < len(options) else None
