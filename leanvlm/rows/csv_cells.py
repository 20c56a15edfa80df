"""Rows of a CSV file as spreadsheets write it: names on top; a comma, a semicolon or a tab between cells.

A mark of UTF-8 in front, quotes, either kind of line end and spaces around a text are fine. A cell of LISTS may hold
several texts with a | between them; whoever needs that sign in a text writes JSON lines. An empty cell is None, a line
of them is no row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Container, Iterator
from pathlib import Path
from typing import Any

from leanvlm import files
from leanvlm.errors import InputError

SEPARATORS = (",", ";", "\t")
LISTS = ("answer", "answers", "image", "images", "options")
BETWEEN = "|"


def count(path: Path) -> int:
    """Count the rows below the names."""
    return sum(1 for _ in _rows(path))


def read(path: Path, numbers: Container[int], columns: Collection[str] | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of these numbers, which count from 1 below the names.

    Raises: InputError for a row that has more or fewer cells than there are names, with its number.
    """
    for number, row in enumerate(_rows(path), start=1):
        if number in numbers:
            yield number, {name: cell for name, cell in row.items() if columns is None or name in columns}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    text = _text(path)
    separator = max(SEPARATORS, key=lambda one: len(_first(text, one)))
    number = 0
    try:
        records = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        names = _names(path, next(records, []))
        for cells in (cells for cells in records if any(cell.strip() for cell in cells)):
            number += 1
            if len(cells) != len(names):
                raise InputError(f"{path} row {number} has {len(cells)} cells and there are {len(names)} names on top; "
                                 f'put a text that holds {separator!r} into "quotes"')  # fmt: skip
            yield {name: _value(name, cell) for name, cell in zip(names, cells, strict=True) if name}
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as CSV after row {number} ({error}); save it anew as CSV UTF-8, "
                         "quotes within a quoted text doubled") from None  # fmt: skip


def _text(path: Path) -> str:
    try:
        return files.content(path).decode("utf-8-sig")
    except InputError as error:
        raise InputError(f"{path} {error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 at byte {error.start + 1}; save it as CSV UTF-8") from None


def _first(text: str, separator: str) -> list[str]:
    """Read what stands on top."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return []


def _names(path: Path, top: list[str]) -> list[str]:
    """Read the columns' names; one without a name, such as the index that pandas writes, is not read."""
    names = [name.strip().lower() for name in top]
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise InputError(f"{path} has the column {twice[0]!r} twice, and which is meant is not known; leave one")
    return names


def _value(name: str, cell: str) -> str | list[str] | None:
    if name in LISTS and BETWEEN in cell:
        return [part.strip() for part in cell.split(BETWEEN)]
    return cell.strip() or None
