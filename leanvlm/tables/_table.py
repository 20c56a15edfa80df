"""A table is a described schema; writing another one stops the run, and damage is never read silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from leanvlm.errors import InputError, RunError, in_brief
from leanvlm.tables._parquet import ANEW, read_parquet, stream_parquet, write_parquet, writing_parquet


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
        write_parquet(self._checked(rows).replace_schema_metadata(metadata), path)

    @contextmanager
    def writing(self, path: Path) -> Iterator[Callable[[list[dict[str, Any]] | pa.Table], None]]:
        """Write rows as they come, a row group a call, where all of them may not fit into memory; see `write`."""
        with writing_parquet(path, self.schema) as write:
            yield lambda rows: write(self._checked(rows))

    def stream(self, path: Path, *, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Read some columns row by row; no more than a row group is in memory. See `read`."""
        wanted = pa.schema([self.schema.field(name) for name in columns])
        for rows in stream_parquet(path, columns=columns):
            self._refuse_other_schema(rows.schema, wanted, path)
            yield from rows.to_pylist()

    def read(self, path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a file of this table, or only some of its columns.

        Raises: InputError where the file is missing, damaged, of another schema, or holds a number that is none.
        """
        found = read_parquet(path, columns=columns)
        wanted = self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])
        self._refuse_other_schema(found.schema, wanted, path)
        if name := not_finite(found):
            raise InputError(f"{path}: {name} holds NaN or an infinite number; {ANEW}")
        return found.replace_schema_metadata(None).cast(wanted)

    def empty(self) -> pa.Table:
        """Return the table without rows."""
        return self.schema.empty_table()

    def _checked(self, rows: list[dict[str, Any]] | pa.Table) -> pa.Table:
        found = rows if isinstance(rows, pa.Table) else self._from_rows(rows)
        self._refuse_other_columns(found.column_names)
        cast = pa.Table.from_arrays([self._cast(found, field) for field in self.schema], schema=self.schema)
        if name := not_finite(cast):
            raise RunError(f"{self.name}.{name} holds NaN or an infinite number, which no row may")
        return cast

    def _refuse_other_schema(self, found: pa.Schema, wanted: pa.Schema, path: Path) -> None:
        if not found.equals(wanted):
            raise InputError(
                f"{path} is not a table of {self.name} as this version writes it ({_difference(found, wanted)}); {ANEW}"
            )

    def _from_rows(self, rows: list[dict[str, Any]]) -> pa.Table:
        for row in rows:
            self._refuse_other_columns(list(row))
        arrays = [self._array(rows, field) for field in self.schema]
        return pa.Table.from_arrays(arrays, names=self.schema.names)

    def _array(self, rows: list[dict[str, Any]], field: pa.Field[Any]) -> pa.Array[Any]:
        try:
            values: pa.Array[Any] = pa.array([row[field.name] for row in rows], type=field.type)
        except (pa.ArrowException, TypeError, OverflowError) as error:
            raise RunError(f"{self.name}.{field.name} must be {field.type}: {in_brief(error)}") from error
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
            raise RunError(f"{self.name}.{field.name} must be {field.type}: {in_brief(error)}") from error


def not_finite(table: pa.Table) -> str | None:
    """Name the first column of numbers that holds NaN or infinity, which comparisons and means would take in."""
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    return next((name for name in floats if pc.all(pc.is_finite(table[name])).as_py() is False), None)


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
