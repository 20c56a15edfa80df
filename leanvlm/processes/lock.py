"""One run at a time in a checkout; and files that a process needs for as long as it lives, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from leanvlm.errors import RunError

REFUSAL = "process {} is already running in this checkout; wait for it or stop it"


@contextmanager
def only_run(lock: Path, *, says: str = "", refusal: str = REFUSAL, patient: bool = False) -> Iterator[None]:
    """Hold the checkout for the length of a `with`.

    Takes: says, what others are told of the holder, else its number; refusal, the sentence that tells it; patient,
        whether it waits until the checkout is free, after a sentence on who holds it.

    Raises: RunError with the refusal.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        if (holder := _held_by(file)) is not None:
            if not patient:
                raise RunError(refusal.format(holder))
            print(f"waits for process {holder}, which is already running in this checkout", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(says or str(os.getpid()))
        file.flush()
        yield


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file, whatever is in it, for the length of a `with`: others learn by `is_held` that a process needs it."""
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_held(lock: Path) -> bool:
    """Tell whether a process holds a checkout, or another file."""
    return holder(lock) is not None


def holder(lock: Path) -> str | None:
    """Return what the process that holds a file wrote into it; None where there is none."""
    if not lock.is_file():
        return None
    with lock.open("r+") as file:
        return _held_by(file)


def _held_by(file: TextIO) -> str | None:
    """Take the lock and return None, or return what its holder wrote."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        return file.read().strip() or "unknown"
    return None
