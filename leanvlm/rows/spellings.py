"""Which column of your own questions is which: names are read in either case, and one that is near is asked about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from leanvlm.errors import InputError

SPELLINGS = {  # of a column, its own name first
    "question": ("question",),
    "answers": ("answers", "answer"),
    "images": ("images", "image"),
    "options": ("options",),
    "rule": ("rule",),
    "group": ("group", "group_id"),
    "turn": ("turn",),
    "kind": ("kind",),
    "sample_id": ("sample_id", "id"),
    "max_new_tokens": ("max_new_tokens",),
}
NAMES = {spelling: name for name, spellings in SPELLINGS.items() for spelling in spellings}
NEAR = 0.8  # of 1, how alike two names must be for the one to be a slip of the other


def column_of(name: str) -> str | None:
    """Say which column a name means, if any; all others are not read."""
    return NAMES.get(name.strip().lower())


def known(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a row's known columns under their own names.

    Raises: InputError, beginning with `place`, where two columns of a row mean the same.
    """
    found: dict[str, str] = {}
    for name in row:
        if (column := column_of(name)) is not None:
            if column in found:
                raise InputError(f"{place} has {found[column]!r} and {name!r}, which mean the same; leave one")
            found[column] = name
    return {column: row[name] for column, name in found.items()}


def refuse_near(names: Collection[str], place: str) -> None:
    """Refuse a file that lacks a column and has one whose name is nearly its own, else lacks what every row needs.

    Raises: InputError, beginning with `place`.
    """
    lacking = set(SPELLINGS) - {column_of(name) for name in names}
    spellings = [spelling for column in SPELLINGS if column in lacking for spelling in SPELLINGS[column]]
    for name in names:
        if column_of(name) is None and (near := get_close_matches(name.strip().lower(), spellings, n=1, cutoff=NEAR)):
            raise InputError(f"{place} has a column {name!r}; perhaps {near[0]!r} is meant: rename it")
    if "options" in lacking and len(found := [name for name in names if name.strip().lower() in ("a", "b")]) > 1:
        raise InputError(f"{place} has columns {found[0]!r} and {found[1]!r} and none of options; write what can be "
                         "chosen into one column 'options', in a CSV with a | between")  # fmt: skip
    for column in ("question", "answers"):
        if column in lacking:
            some = ", ".join(map(repr, names))[:60] or "none"
            raise InputError(f"{place} has no column {column!r}, its columns are {some}; name it so, whatever else "
                             "there is")  # fmt: skip
