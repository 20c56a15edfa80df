"""Open a store that exists, for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from leanvlm.errors import InputError


def open_store(path: Path, *, config: dict[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """Open a store for reading.

    Raises: InputError where it is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; run `make repro` to make it")
    try:
        connection = duckdb.connect(str(path), read_only=True, config=dict(config or {}))
        connection.execute("set enable_progress_bar = false")
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be opened ({sentence(error)}); delete it and run `make repro`") from error
    return connection


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a store for queries of our own.

    Raises: InputError where it is missing or damaged, or lacks what a query of ours reads.
    """
    with open_store(path) as connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise InputError(f"{path} is of another version ({sentence(error)}); run `make repro`") from error


def sentence(error: Exception) -> str:
    """Write what DuckDB says as one sentence, without the place in the query."""
    text = str(error).strip().split("\nLINE ")[0]
    return " ".join(text.split()).rstrip(".")
