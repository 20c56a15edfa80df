"""Files of rows, .jsonl, .parquet or .csv: how many rows there are, and some of them, whoever reads them.

Rows count from 1. A blank line is none, nor are the names on top of a CSV.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from leanvlm.errors import InputError, in_brief
from leanvlm.rows import csv_cells

Columns = Collection[str] | None  # those that are read, where a format can leave others aside; None for all
Rows = Iterator[tuple[int, Any]]


class Format(NamedTuple):
    """How files of one ending are read."""

    count: Callable[[Path], int]
    read: Callable[[Path, Container[int], Columns], Rows]


def count(path: Path) -> int:
    """Count the rows.

    Raises: InputError for a file that is not there, is of another ending, or cannot be read.
    """
    refuse_other(path)
    with reading(path):
        return FORMATS[path.suffix.lower()].count(path)


def read(path: Path, numbers: Container[int], *, columns: Columns = None) -> Rows:
    """Yield the rows of these numbers, in the file's order.

    Raises: InputError as `count`, and for a row that is not of the file's format.
    """
    refuse_other(path)
    with reading(path):
        yield from FORMATS[path.suffix.lower()].read(path, numbers, columns)


def refuse_other(path: Path) -> None:
    """Refuse what is no file of rows, by its name.

    Raises: InputError.
    """
    if path.is_dir():
        found = sorted(one.name for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
        raise InputError(f"{path} is a folder; name a file of rows in it: {', '.join(found[:5]) or 'it has none'}")
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}; name one of rows, {SPELT}")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} is no file of rows by its name; those end in {SPELT}")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a reader stumbles over into a sentence.

    Raises: InputError.
    """
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: also text that is no UTF-8
        raise InputError(f"{path} cannot be read ({in_brief(error)}); name a file of rows that can") from None


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(bool(line.strip()) for line in file)


def _read_lines(path: Path, numbers: Container[int], columns: Columns) -> Rows:  # noqa: ARG001
    with path.open("rb") as file:
        for number, line in enumerate((line for line in file if line.strip()), start=1):
            if number in numbers:
                yield number, _value(line, f"{path} row {number}")


def _value(line: bytes, place: str) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:  # ValueError: also what is no UTF-8
        raise InputError(f"{place} is not JSON ({in_brief(error)}); a row is one object on one line") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(made := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")  # and which is meant is not known
    return made


def _count_rows(path: Path) -> int:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return int(file.metadata.num_rows)


def _read_rows(path: Path, numbers: Container[int], columns: Columns) -> Rows:
    """Read row groups that have some of the rows; others are passed over, since pictures are large."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        names = [name for name in file.schema_arrow.names if columns is None or name in columns]
        if len(set(names)) < len(names):
            raise InputError(f"{path} has a column twice, and which is meant is not known; leave one")
        start = 1
        for index in range(file.num_row_groups):
            end = start + file.metadata.row_group(index).num_rows
            wanted = [number for number in range(start, end) if number in numbers]
            if wanted:
                group = file.read_row_group(index, columns=names)
                yield from ((number, group.slice(number - start, 1).to_pylist()[0]) for number in wanted)
            start = end


FORMATS = {
    ".jsonl": Format(_count_lines, _read_lines),
    ".parquet": Format(_count_rows, _read_rows),
    ".csv": Format(csv_cells.count, csv_cells.read),
}
SUFFIXES = tuple(FORMATS)
SPELT = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
