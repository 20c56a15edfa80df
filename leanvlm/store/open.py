"""Open a store that exists, for reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from leanvlm import files
from leanvlm.errors import InputError


def open_store(path: Path, *, config: dict[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """Open a store for reading.

    Raises: InputError where it is missing or damaged.
    """
    _refuse_other_files(path)
    try:
        connection = duckdb.connect(str(path), read_only=True, config=dict(config or {}))
        connection.execute("set enable_progress_bar = false")
    except duckdb.Error as error:
        raise _refusal(path, sentence(error)) from error
    return connection


def _refuse_other_files(path: Path) -> None:
    """Refuse what is no store before DuckDB waits for it, creates it, or replays what lies beside it."""
    if not path.exists():
        raise InputError(f"{path} does not exist; run `make repro` to make it, or name another with --store")
    if not path.is_file():
        raise InputError(f"{path} is not a regular file; name a store, such as {files.STORE}")
    journal = path.with_name(f"{path.name}.wal")
    if journal.exists():
        raise InputError(f"{journal} lies beside the store: another program writes it, or was stopped while it did, "
                         "and its rows may be others; close that program, or move the file away")  # fmt: skip


def _refusal(path: Path, reason: str) -> InputError:
    if "lock" in reason.lower():
        holder = re.search(r"PID (\d+)", reason)
        who = f"process {holder[1]}" if holder else "another program"
        return InputError(f"{path} is open elsewhere: {who} holds it; close it there and ask again")
    remedy = "run `dvc repro tally`, which writes it anew" if path == files.STORE else "name another with --store"
    return InputError(f"{path} is not a store that can be opened ({reason[:120]}); {remedy}")


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
