"""Pictures that a Parquet file holds: they are large, so they are left aside until they are shown."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from leanvlm.rows import cells, formats, spellings
from leanvlm.rows.cells import refuse


def columns(path: Path) -> list[str]:
    """List the columns in which a file's pictures lie as bytes; none of another format has any."""
    if path.suffix.lower() != ".parquet":
        return []
    return [field.name for field in _schema(path) if spellings.column_of(field.name) == "images" and _holds(field.type)]


def others(path: Path) -> list[str] | None:
    """List the columns beside these; None where all are."""
    held = columns(path)
    return [name for name in _schema(path).names if name not in held] if held else None


def read(path: Path, numbers: Container[int], *, later: Container[int] = ()) -> dict[int, tuple[bytes, ...]]:
    """Read the pictures of some rows, by their numbers; nothing where the file holds none.

    Takes: later, the rows that are later turns of a conversation, which show what its first shows.

    Raises: InputError for a row without a picture, or with one that is only named; for a later turn with any.
    """
    if not (held := columns(path)):
        return {}
    rows = formats.read(path, numbers, columns=held)
    return {
        number: _bytes(spellings.known(row, f"{path} row {number}"), f"{path} row {number}", is_later=number in later)
        for number, row in rows
    }


def _schema(path: Path) -> pa.Schema:
    with formats.reading(path):
        return pq.read_schema(path)


def _holds(kind: pa.DataType) -> bool:
    """Say whether a column has bytes: by itself, as a list of them, or as the field of an object."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_holds(kind.field(index).type) for index in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _bytes(row: dict[str, object], place: str, *, is_later: bool) -> tuple[bytes, ...]:
    if is_later and row["images"]:
        refuse(place, "is a later turn and has pictures of its own; show all of them with turn 1")
    if is_later:
        return ()
    if row["images"] is None:
        refuse(place, "has no picture; give one, or an empty list where none is shown")
    images = cells.images(row, place)
    if named := [image for image in images if isinstance(image, str)]:
        refuse(place, f"only names its picture {named[0]!r}, where others are held; give its bytes")
    return tuple(image for image in images if isinstance(image, bytes))
