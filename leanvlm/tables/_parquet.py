"""Parquet files that are whole or not there, with a checksum on every page: damage is never read silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leanvlm import files
from leanvlm.errors import InputError, in_brief

ANEW = "run `make repro` to write it anew"
FORMAT: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
STREAMED = 16  # rows that are in memory at once, where a file is read in turn


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a file that is complete when its name appears, with a checksum on every page."""
    with files.whole(path) as part:
        pq.write_table(table, part, **FORMAT)


@contextmanager
def writing_parquet(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Write a file of rows that may not fit into memory together, a row group a call."""
    with files.whole(path) as part, pq.ParquetWriter(part, schema.remove_metadata(), **FORMAT) as writer:
        yield lambda rows: writer.write_table(rows.replace_schema_metadata(None))


def read_parquet(path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file and verify the checksum of every page that is read.

    Raises: InputError where the file is missing, damaged, or lacks a column.
    """
    with opened(path) as file:
        _refuse_lacking(file, columns or (), path)
        return file.read(columns=None if columns is None else list(columns))


def stream_parquet(path: Path, *, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Read some columns a few rows at a time; see `read_parquet`."""
    with opened(path) as file:
        _refuse_lacking(file, columns, path)
        yield from file.iter_batches(batch_size=STREAMED, columns=list(columns))


def _refuse_lacking(file: pq.ParquetFile, columns: Sequence[str], path: Path) -> None:
    if lacking := [name for name in columns if name not in file.schema_arrow.names]:
        raise InputError(f"{path} lacks the column {', '.join(lacking)}; {ANEW}")


def header(path: Path) -> dict[str, str]:
    """Read what was written into a file's header beside its schema.

    Raises: InputError where the file is missing or damaged.
    """
    with opened(path) as file:
        return {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file to read parts of it, and verify the checksum of every page that is read.

    Raises: InputError where it is missing or damaged, also while it is read.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run `make repro` to make it") from error
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:  # ValueError: also text that is no UTF-8
        raise InputError(f"{path} is damaged ({in_brief(error)}); {ANEW}") from error
