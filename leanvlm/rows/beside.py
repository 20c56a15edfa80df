"""Pictures that a row names: files beside the file of rows, or below it, and nowhere else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from leanvlm import files
from leanvlm.errors import InputError

LONGEST = 1000  # characters of a path


def find(rows: Path, name: str, *, place: str) -> Path:
    """Say which file a row names, whether it is there or not.

    A link in the folder may lead anywhere, since whoever has the folder made it; a name may not.

    Raises: InputError, beginning with `place`, for a name that leaves the folder.
    """
    if "://" in name:
        raise InputError(f"{place}: its picture {name!r} is an address; save it beside {rows.name} and name that file")
    if name.startswith("data:") or len(name) > LONGEST:
        raise InputError(f"{place}: its picture {name[:20]!r}... is no path, and perhaps a picture written as text; "
                         f"save it as a file beside {rows.name} and name that")  # fmt: skip
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise InputError(f"{place}: its picture {name!r} is outside the file's folder; put it beside {rows.name}, or "
                         "below")  # fmt: skip
    return rows.parent / name


def content(rows: Path, image: str | bytes, *, place: str) -> bytes:
    """Read a picture's file, unless the row holds it.

    Raises: InputError as `find`, and for what cannot be read.
    """
    if isinstance(image, bytes):
        return image
    path = find(rows, image, place=place)
    try:
        return files.content(path)
    except InputError as error:
        raise InputError(f"{place}: its picture {image!r} {error}{_hint(image)}") from None


def refuse_missing(rows: Path, name: str, *, place: str) -> None:
    """Refuse a name without a file, reading nothing.

    Raises: InputError as `find`.
    """
    try:
        is_there = find(rows, name, place=place).is_file()
    except (OSError, ValueError):  # a name that no file can have
        is_there = False
    if not is_there:
        raise InputError(f"{place}: there is no picture {name!r} beside {rows.name} or below{_hint(name)}")


def _hint(name: str) -> str:
    return "; folders are told apart by /, not \\" if "\\" in name else ""
