"""Open a store that exists, for reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from leanvlm import files
from leanvlm.errors import InputError

MAGIC = b"DUCK"  # at MAGIC_AT of every DuckDB file
MAGIC_AT = 8
DAMAGED = (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
HELD = re.compile(r"Conflicting lock is held in .*?\(PID (\d+)\)")


def open_store(path: Path, *, config: dict[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """Open a store for reading.

    Raises: InputError where it is missing, damaged, no store, or changed by another process.
    """
    _refuse_what_is_no_store(path)
    try:
        connection = duckdb.connect(str(path), read_only=True, config=dict(config or {}))
        connection.execute("set enable_progress_bar = false")
    except (duckdb.Error, UnicodeError) as error:
        if held := HELD.search(str(error)):
            raise InputError(f"{path} is open elsewhere, in process {held[1]}; close it there, or wait") from error
        _refuse_log(path)
        raise InputError(f"{path} cannot be opened ({sentence(error)}); {_remedy(path)}") from error
    try:
        _refuse_log(path)
    except InputError:
        connection.close()
        raise
    return connection


def _refuse_what_is_no_store(path: Path) -> None:
    try:
        if not path.exists():
            raise InputError(f"{path} does not exist; {_remedy(path, 'to make it')}")
        if not path.is_file():
            raise InputError(f"{path} is not a file, so not a store; name another with --store")
        with path.open("rb") as file:
            start = file.read(MAGIC_AT + len(MAGIC))
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise InputError(f"{path} cannot be read ({error}); name another with --store") from error
    if not start.endswith(MAGIC) or len(start) < MAGIC_AT + len(MAGIC):
        raise InputError(f"{path} is not a store (not a DuckDB file); {_remedy(path)}")


def _refuse_log(path: Path) -> None:
    """Refuse a log beside the store: DuckDB would add its rows to the store's, and nobody would know."""
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        raise InputError(f"{log} holds changes that are not in {path.name}; close the program that writes there, or "
                         "open the store in DuckDB once, which takes them in")  # fmt: skip


def _remedy(path: Path, purpose: str = "to write it anew") -> str:
    """Say what to do; nobody is told to delete a file, which may be dear to them and no store of ours."""
    return f"run `make repro` {purpose}" if path == files.STORE else "name another with --store"


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a store for queries of our own.

    Raises: InputError where it is missing or damaged, or lacks what a query of ours reads.
    """
    with open_store(path) as connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise InputError(f"{path} is of another version ({sentence(error)}); {_remedy(path)}") from error
        except DAMAGED as error:
            raise InputError(f"{path} is damaged ({sentence(error)}); {_remedy(path)}") from error


def sentence(error: Exception) -> str:
    """Write what DuckDB says as one sentence, without the place in the query."""
    text = str(error).strip().split("\nLINE ")[0]
    return " ".join(text.split()).rstrip(".")
