"""A file that is named twice, by two spellings of its path: its rows would count twice, and nobody would know."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from leanvlm.errors import InputError
from leanvlm.rows.formats import SUFFIXES
from leanvlm.typed import LOCAL


def refuse_file_twice(names: Iterable[str], *, where: str) -> None:
    """Refuse names of which two are one file of rows; names of benchmarks are none.

    Takes: where, in which list they stand, as a sentence goes on.

    Raises: InputError.
    """
    found: dict[Path, str] = {}
    for name in names:
        if name.endswith(SUFFIXES):
            first = found.setdefault(Path(name.removeprefix(LOCAL)).resolve(), name)
            if first != name:
                raise InputError(f"{first!r} and {name!r} {where} are one file; list it once")
