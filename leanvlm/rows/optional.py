"""Cells that may be left out: a label, a whole number, and numbers where a text is meant."""

from __future__ import annotations

from typing import TypeGuard

from leanvlm.rows.cells import refuse, text

LONGEST = 8  # digits of a whole number


def label(value: object, place: str) -> str:
    """Read a text, or a number as one; nothing where it is left out.

    Raises: InputError, beginning with `place`.
    """
    if value is None:
        return ""
    return text(str(plain(value)) if is_number(value) else value, place)


def whole_number(value: object, name: str, place: str, *, most: int) -> int | None:
    """Read a whole number from 1, also from a text, as CSV has it; None where it is left out.

    Raises: InputError, beginning with `place`.
    """
    if value is None:
        return None
    is_written = isinstance(value, str) and value.strip().isdecimal() and len(value) <= LONGEST
    number = int(value) if is_written and isinstance(value, str) else plain(value)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
        refuse(place, f"has {name} {str(value)[:30]!r}; it must be a whole number from 1 to {most:,}")
    return number


def plain(value: object) -> object:
    """Write 3.0 as 3: tables make fractions of whole numbers in a column that has gaps."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell a number from all else, true and false too."""
    return isinstance(value, int | float) and not isinstance(value, bool)
