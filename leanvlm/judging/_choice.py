"""Options as a judge names them, by letters, and whether one of them is the right one."""

from __future__ import annotations

from leanvlm.judging import Asked
from leanvlm.letters import LETTERS, index_of


def named(reply: str, options: tuple[str, ...]) -> int | None:
    """Find the option whose letter is the whole reply, as "B", "b." or "(B)"; None where it is no option's letter."""
    return index_of(reply.strip().removeprefix("(").rstrip(").:").upper(), options)


def is_right(index: int, asked: Asked) -> bool:
    """Tell whether an option is right, by its letter or its text."""
    return LETTERS[index] in asked.answers or asked.options[index] in asked.answers
