"""The history of a run's own Prefect server, a SQLite file: no answer depends on it, so a damaged one stops no run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from leanvlm.errors import InputError

NAME = "prefect.db"
PARTS = ("", "-wal", "-shm")  # what SQLite adds to its name
ASIDE = ".set-aside"
PATIENCE_SECONDS = 10.0


def lay_aside_damaged(home: Path) -> str | None:
    """Rename a history that SQLite cannot read, so that the server begins another; return a sentence on it.

    Raises: InputError where another program holds it.
    """
    path = home / NAME
    if not path.exists() or _is_whole(path):
        return None
    for part in (path.with_name(NAME + end) for end in PARTS):
        if part.exists():
            part.replace(part.with_name(part.name + ASIDE))
    return f"{path}, Prefect's history of runs, is damaged; it is now {NAME}{ASIDE}, and a new one is begun"


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as connection:
            connection.execute("begin immediate")  # as the server will
            return bool(connection.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise InputError(f"{path} is held by another program; end that, or wait for it, and run again") from None
        return False
    except sqlite3.DatabaseError:
        return False
