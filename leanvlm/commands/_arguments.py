"""What arguments of several commands are held to before any work: paths, new paths and whole numbers."""

from __future__ import annotations

import stat
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from leanvlm.errors import InputError


def path(text: str) -> Path:
    """Read a path at which there is a file, a folder or nothing; a pipe or a device could be read for ever."""
    try:
        mode = Path(text).stat().st_mode if text else 0
    except (FileNotFoundError, NotADirectoryError):
        return Path(text)
    except (OSError, ValueError) as error:
        raise ArgumentTypeError(f"{text!r} cannot be looked up ({error})") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ArgumentTypeError(f"{text!r} is neither a file nor a folder")
    return Path(text)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Read a whole number of a range, both ends included."""

    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > len(str(most)) or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def refuse_taken(into: Path) -> None:
    """Refuse a path that exists, or at which nothing can be written, before what is to be written is made."""
    parent = next(folder for folder in (*into.absolute().parents, Path("/")) if folder.exists())
    try:
        with NamedTemporaryFile(dir=parent, prefix=f".{into.name}.", suffix=".part"):
            is_free = not into.exists()
    except OSError as error:
        raise InputError(f"--into {into}: nothing can be written there ({error.strerror}); name another") from error
    if not is_free:
        raise InputError(f"--into {into}: it exists; name one that does not")
