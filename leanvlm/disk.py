"""A disk that takes nothing more, as one sentence: it is full, or closed to this user.

Arrow, DuckDB, safetensors and the standard library each raise an error of their own; all quote the system's words.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LEAST = 2**20  # bytes that a disk has left which is not full
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def refusal(error: BaseException, folder: Path) -> str | None:
    """Say why a folder took nothing and what to do; nothing where an error means something else."""
    if _means(error, FULL):
        return full(folder)
    if _means(error, CLOSED):
        why = next(os.strerror(number) for number in CLOSED if _means(error, (number,)))
        return f"{_outside(error, folder) or folder} is closed to this user ({why}); open it for writing, and run again"
    return None


def full(folder: Path) -> str:
    """Say that a disk is full."""
    return (f"the disk is full where {folder} lies; make room on it (`leanvlm clean` lists what no run needs) and run "
            "again: what was finished is kept")  # fmt: skip


def is_full(folder: Path) -> bool:
    """Tell whether a disk has no room left, where a program that failed did not say why."""
    return shutil.disk_usage(folder).free < LEAST


def gone() -> str | None:
    """Say that the folder in which a command runs was deleted under it; nothing where it is there."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return "the folder that this runs in was deleted; change into one that is there, and run again"
    return None


def lost(error: OSError) -> str | None:
    """Say of a file that the system did not give what to do; nothing where an error is not about a file."""
    if not (name := _named(error)):
        return None
    if isinstance(error, FileNotFoundError):
        return f"{name} went away while it was needed, as where another run writes it anew; run again"
    return f"{name} cannot be used ({error.strerror}); mend that, and run again"


def _means(error: BaseException, numbers: tuple[int, ...]) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in numbers
    return any(os.strerror(number) in str(error) for number in numbers)


def _outside(error: BaseException, folder: Path) -> str:
    """Name the file of an error, unless it is one of ours that is being written into the folder."""
    name = _named(error)
    return "" if Path(name).is_relative_to(folder) else name


def _named(error: BaseException) -> str:
    return str(error.filename or "") if isinstance(error, OSError) else ""
