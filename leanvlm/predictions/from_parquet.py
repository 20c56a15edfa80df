"""Predictions as Parquet, in the columns that the package's docstring lists."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from leanvlm.errors import InputError, in_brief
from leanvlm.predictions.columns import SCHEMA, TEXTS

PLACE = ("file", "line")


def read(path: Path) -> pa.Table:
    """Read one file; columns that may be absent are null.

    Raises: InputError where it is damaged, or lacks a column, or has one of another type.
    """
    found = _found(path)
    lacking = [name for name in TEXTS if name not in found.column_names]
    if lacking:
        raise InputError(
            f"{path} lacks the column {lacking[0]}; needed are {', '.join(TEXTS)}, and answers with rule, or grade"
        )
    if "grade" not in found.column_names and not {"answers", "rule"} <= set(found.column_names):
        raise InputError(f"{path} lacks the column grade, or answers and rule, which say what an answer is worth")
    columns = [_column(path, found, field) for field in SCHEMA if field.name not in PLACE]
    place = [pa.array([str(path)] * len(found)), pa.array(range(1, len(found) + 1))]
    return pa.Table.from_arrays([*columns, *place], schema=SCHEMA)


def _found(path: Path) -> pa.Table:
    known = [name for name in SCHEMA.names if name not in PLACE]
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            names = [name for name in file.schema_arrow.names if name in known]
            _refuse_twice(path, names)
            found = file.read(columns=names)
        found.validate(full=True)  # else texts that are no UTF-8 fail much later
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({in_brief(error)}); write it again") from error
    return found


def _refuse_twice(path: Path, names: list[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise InputError(f"{path} has the column {twice[0]} twice, and which is meant is not known; leave one")


def _column(path: Path, found: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in found.column_names:
        return pa.chunked_array([pa.nulls(len(found), field.type)])
    kind = found.schema.field(field.name).type
    try:
        if "bool" in str(kind) and not pa.types.is_floating(field.type):  # yes, true or 1, nobody knows
            raise pa.ArrowInvalid(f"{kind} is no text")
        return found.column(field.name).cast(field.type)
    except pa.ArrowException as error:
        raise InputError(f"{path}: {field.name} is {str(kind)[:80]} and cannot be read as {field.type}; write it as "
                         "that") from error  # fmt: skip
