"""Options of a multiple choice: what is right of them, and which ones a question states."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leanvlm.letters import LETTERS, index_of


def right(letter: str, options: Sequence[str]) -> tuple[str, ...]:
    """Give the right answers of a choice: the letter, and its option's text where there is one."""
    index = index_of(letter, options)
    text = "" if index is None else options[index]
    return (letter, text) if text.strip() else (letter,)


def stated(text: str, letter: str) -> tuple[str, ...]:
    """Find the options that a question states, each behind its letter; none where the letters are not A, B, C, ...

    Takes: letter, a pattern whose first group is the letter; an option's text ends where its line does.
    """
    _, *found = re.split(letter, text.strip())
    if len(found) < 4 or "".join(found[::2]) != LETTERS[: len(found) // 2]:
        return ()
    return tuple(option.partition("\n")[0].strip() for option in found[1::2])
