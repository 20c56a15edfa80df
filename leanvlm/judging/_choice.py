"""Options as a judge is shown them, by letters, and whether one of them is the right one."""

from __future__ import annotations

from string import ascii_uppercase

from leanvlm.judging import Asked


def listed(options: tuple[str, ...]) -> str:
    """Write options a line each, behind their letters."""
    return "\n".join(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))


def index_of(reply: str, options: tuple[str, ...]) -> int | None:
    """Find the option whose letter is the whole reply, as "B", "b." or "(B)"; None where it is no option's letter."""
    letter = reply.strip().removeprefix("(").rstrip(").:").upper()
    index = ascii_uppercase.find(letter) if len(letter) == 1 else -1
    return index if 0 <= index < len(options) else None


def is_right(index: int, asked: Asked) -> bool:
    """Tell whether an option is right, by its letter or its text."""
    return ascii_uppercase[index] in asked.answers or asked.options[index] in asked.answers
