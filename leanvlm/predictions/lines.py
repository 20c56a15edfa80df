"""Files of one JSON object a line, whoever wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from leanvlm.errors import InputError, in_brief

LONGEST = 32 * 2**20  # of a line [bytes]; an answer with its metrics is some thousands


def read(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of every line that is not blank.

    Raises: InputError where a line is no JSON, is too long to be a sample, or has a key twice.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(str(path), error) from error
    with file:
        yield from read_from(file, name=str(path))


def read_from(file: BinaryIO, *, name: str) -> Iterator[tuple[int, Any]]:
    """Yield the same of a file that is open; `name` is what sentences call it."""
    is_empty = True
    try:
        for number, text in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), start=1):
            if text.strip():
                is_empty = False
                yield number, _value(text, f"{name} line {number}")
    except OSError as error:
        raise _unreadable(name, error) from error
    if is_empty:
        raise InputError(f"{name} is empty; write it again, or move it away")


def _unreadable(name: str, error: OSError) -> InputError:
    return InputError(f"{name} cannot be read ({error.strerror or error}); open it for reading, or move it away")


def _value(text: bytes, place: str) -> Any:
    if len(text) > LONGEST:
        raise InputError(f"{place} is longer than {LONGEST // 2**20} MiB; a line is one sample: write the file again")
    try:
        return json.loads(text.decode("utf-8-sig"), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise InputError(f"{place} cannot be read as UTF-8 ({error.reason}); write the file again") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is cut off or not JSON ({in_brief(error)}); write the file again") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, in which no key may stand twice: which value is meant is not known."""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
        raise ValueError(f"the key {twice[:30]!a} stands twice")
    return made
