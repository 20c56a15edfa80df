"""A user's SQL over the store: it may read what the store holds, and touch nothing else."""

from __future__ import annotations

from pathlib import Path
from threading import Timer

import duckdb

from leanvlm.errors import InputError

# read_only alone still lets `copy ... to 'file'` write
SAFE = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "memory_limit": "512MB",
    "temp_directory": "",
    "threads": "2",
    "lock_configuration": "true",
}
MOST_ROWS = 100_000  # a query's answer is held in memory whole

Answer = tuple[list[str], list[tuple[object, ...]]]


def query(path: Path, sql: str, *, timeout_seconds: float = 60) -> Answer:
    """Answer one query: its columns and its rows.

    Raises: InputError where the store is missing or damaged, or the query is refused, wrong or too large.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; run `make repro` to make it")
    try:
        connection = duckdb.connect(str(path), read_only=True, config=dict(SAFE))
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be opened ({_sentence(error)}); delete it and run `make repro`") from error
    with connection:
        return _answer(connection, sql, timeout_seconds)


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, timeout_seconds: float) -> Answer:
    timer = Timer(timeout_seconds, connection.interrupt)
    timer.start()
    try:
        connection.execute(sql)
        columns = [column for (column, *_) in connection.description or []]
        rows = connection.fetchmany(MOST_ROWS + 1) if columns else []
    except duckdb.InterruptException as error:
        raise InputError(f"the query took longer than {timeout_seconds:g} seconds and was stopped") from error
    except (duckdb.Error, ValueError, OverflowError) as error:
        raise InputError(f"the query cannot be answered: {_sentence(error)}") from error
    finally:
        timer.cancel()
    if not columns:
        raise InputError("the query is empty or returns no columns; write a select")
    if len(rows) > MOST_ROWS:
        raise InputError(f"the query returns more than {MOST_ROWS} rows; add a limit")
    return columns, rows


def _sentence(error: Exception) -> str:
    text = str(error).strip().split("\nLINE ")[0]
    return " ".join(text.split()).rstrip(".")
