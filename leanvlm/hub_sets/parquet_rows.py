"""Rows of Parquet files that others wrote: only the columns that are asked for, each fault with its file and row."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from leanvlm.errors import InputError, in_brief


@dataclass(frozen=True)
class Row:
    """One row without its pictures; rows count from 0, in the split and in the file.

    A fault is told with the file's name first, since a path in the hub's cache is longer than a sentence.
    """

    number: int
    path: Path
    index: int
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """Read a text, or a number as one.

        Raises: InputError for null, or anything else.
        """
        value = self.values[column]
        if not isinstance(value, str | int) or isinstance(value, bool):
            self.refuse(column, "must be a text")
        return str(value)

    def perhaps(self, column: str) -> str:
        """Read a text, empty for null."""
        return "" if self.values[column] is None else self.text(column)

    def texts(self, column: str) -> tuple[str, ...]:
        """Read a list of texts, empty for null."""
        value = self.values[column] or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.refuse(column, "must be a list of texts")
        return tuple(value)

    def literal(self, column: str) -> tuple[str, ...]:
        """Read a list that is stored as a text, as Python writes it: "['a', 'b']"."""
        try:
            value = ast.literal_eval(self.text(column))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
        if not isinstance(value, list | tuple):
            self.refuse(column, "must be a list as Python writes it")
        return tuple(str(one) for one in value)

    def refuse(self, column: str, wanted: str) -> NoReturn:
        """Say what a column should hold."""
        held = ascii(self.values.get(column))[:60]
        raise InputError(
            f"{self.path.name} row {self.index}: its {column} is {held}; it {wanted}, so fetch the file again into "
            f"{self.path.parent}"
        )


def read_rows(paths: Iterable[Path], columns: Sequence[str]) -> list[Row]:
    """Read some columns of a split's files, one after the other.

    Raises: InputError where a file is damaged or lacks a column.
    """
    rows: list[Row] = []
    for path in paths:
        with opened(path) as file:
            refuse_lacking(file, columns, path)
            found = file.read(columns=list(columns), use_threads=False).to_pylist()
        first = len(rows)
        rows += [Row(first + index, path, index, values) for index, values in enumerate(found)]
    return rows


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file to read parts of it; what is not read costs no memory.

    Raises: InputError where it is damaged, also while it is read.
    """
    try:
        with pq.ParquetFile(path, memory_map=True, pre_buffer=False, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:  # ValueError: also text that is no UTF-8
        said = in_brief(error)
        raise InputError(f"{path.name} cannot be read ({said}); fetch it again in its place: {path}") from error


def refuse_lacking(file: pq.ParquetFile, columns: Iterable[str], path: Path) -> None:
    """Refuse a file that lacks a column, or has it twice; other columns may come and go.

    Raises: InputError naming the column.
    """
    names = file.schema_arrow.names
    for column in columns:
        if names.count(column) != 1:
            said = "lacks the column" if column not in names else "has more than once the column"
            there = ", ".join(names)[:60]
            raise InputError(f"{path.name} {said} {column}; name a `revision` that has it beside {there}: {path}")
