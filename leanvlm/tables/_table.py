"""A table is a described schema; writing another one stops the run, and damage is never read silently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leanvlm import files
from leanvlm.errors import InputError, RunError

ANEW = "run `make repro` to write it anew"


def column(
    name: str, kind: pa.DataType, description: str, *, unit: str = "", is_nullable: bool = False
) -> pa.Field[Any]:
    """Describe one column; the description travels inside the Parquet file."""
    metadata = {"description": description, "unit": unit}
    return pa.field(name, kind, nullable=is_nullable, metadata=metadata)


@dataclass(frozen=True)
class Table:
    """One kind of file between stages. `keys` are the columns that name a row."""

    name: str
    grain: str
    schema: pa.Schema
    keys: tuple[str, ...]

    def write(
        self, rows: list[dict[str, Any]] | pa.Table, path: Path, *, metadata: dict[str, str] | None = None
    ) -> None:
        """Write rows in the order given, whole or not at all; `metadata` travels in the file's header.

        Raises: RunError naming the column that is missing, unknown, empty, of another type or not finite.
        """
        found = rows if isinstance(rows, pa.Table) else self._from_rows(rows)
        self._refuse_other_columns(found.column_names)
        cast = pa.Table.from_arrays([self._cast(found, field) for field in self.schema], schema=self.schema)
        if name := not_finite(cast):
            raise RunError(f"{self.name}.{name} holds NaN or an infinite number, which no row may")
        write_parquet(cast.replace_schema_metadata(metadata), path)

    def read(self, path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a file of this table, or only some of its columns.

        Raises: InputError where the file is missing, damaged, of another schema, or holds a number that is none.
        """
        found = read_parquet(path, columns=columns)
        wanted = self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])
        if not found.schema.equals(wanted):
            raise InputError(
                f"{path} is not a table of {self.name} as this version writes it"
                f" ({_difference(found.schema, wanted)}); {ANEW}"
            )
        if name := not_finite(found):
            raise InputError(f"{path}: {name} holds NaN or an infinite number; {ANEW}")
        return found.replace_schema_metadata(None).cast(wanted)

    def empty(self) -> pa.Table:
        """Return the table without rows."""
        return self.schema.empty_table()

    def _from_rows(self, rows: list[dict[str, Any]]) -> pa.Table:
        for row in rows:
            self._refuse_other_columns(list(row))
        arrays = [self._array(rows, field) for field in self.schema]
        return pa.Table.from_arrays(arrays, names=self.schema.names)

    def _array(self, rows: list[dict[str, Any]], field: pa.Field[Any]) -> pa.Array[Any]:
        try:
            values: pa.Array[Any] = pa.array([row[field.name] for row in rows], type=field.type)
        except (pa.ArrowException, TypeError, OverflowError) as error:
            raise RunError(f"{self.name}.{field.name} must be {field.type}: {_first_line(error)}") from error
        return values

    def _refuse_other_columns(self, names: list[str]) -> None:
        missing = [name for name in self.schema.names if name not in names]
        unknown = [name for name in names if name not in self.schema.names]
        for kind, columns in (("lacks", missing), ("does not know", unknown)):
            if columns:
                raise RunError(f"the table {self.name} {kind} the column {', '.join(columns)}")
        if len(names) != len(self.schema.names):
            raise RunError(f"the table {self.name} got a column twice: {', '.join(sorted(names))}")

    def _cast(self, found: pa.Table, field: pa.Field[Any]) -> pa.ChunkedArray[Any]:
        values = found.column(field.name)
        if not field.nullable and values.null_count:
            raise RunError(f"{self.name}.{field.name} has {values.null_count} nulls and may have none")
        try:
            return values.cast(field.type)
        except pa.ArrowException as error:
            raise RunError(f"{self.name}.{field.name} must be {field.type}: {_first_line(error)}") from error


def not_finite(table: pa.Table) -> str | None:
    """Name the first column of numbers that holds NaN or infinity, which comparisons and means would take in."""
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    return next((name for name in floats if pc.all(pc.is_finite(table[name])).as_py() is False), None)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a file that is complete when its name appears, with a checksum on every page."""
    with files.whole(path) as part:
        pq.write_table(table, part, compression="zstd", write_page_checksum=True)


def read_parquet(path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file and verify the checksum of every page that is read.

    Raises: InputError where the file is missing, damaged, or lacks a column.
    """
    with _opened(path) as file:
        known = file.schema_arrow.names
        if columns is None or set(columns) <= set(known):
            return file.read(columns=None if columns is None else list(columns))
    lacking = ", ".join(name for name in columns if name not in known)
    raise InputError(f"{path} lacks the column {lacking}; {ANEW}")


def header(path: Path) -> dict[str, str]:
    """Read what was written into a file's header beside its schema.

    Raises: InputError where the file is missing or damaged.
    """
    with _opened(path) as file:
        return {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run `make repro` to make it") from error
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:  # ValueError: also text that is no UTF-8
        raise InputError(f"{path} is damaged ({_first_line(error)}); {ANEW}") from error


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def _difference(found: pa.Schema, wanted: pa.Schema) -> str:
    has = {field.name: field for field in found}
    for field in wanted:
        if field.name not in has:
            return f"it lacks {field.name}"
        if not has[field.name].equals(field):
            return f"{field.name} is {_spelt(has[field.name])}, not {_spelt(field)}"
    extra = [field.name for field in found if field.name not in wanted.names]
    return f"it has also {', '.join(extra)}" if extra else "its columns stand in another order"


def _spelt(field: pa.Field[Any]) -> str:
    return f"{field.type}{' or null' if field.nullable else ''}"
