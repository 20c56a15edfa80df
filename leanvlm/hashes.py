"""Hash files and checkpoint folders; the hash of a large file is remembered for as long as its size and time stay."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from leanvlm import files

LARGE = 50_000_000  # bytes from which on a hash is remembered: a checkpoint of 15 GB takes half a minute
PIECE = 2**22
NOT_READ = (files.AUDIT,)  # files of a checkpoint that neither loader nor processor nor tokenizer reads
NEVER_READ = (".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf", ".py", ".md")  # others of its publisher


@cache
def file_hash(path: Path) -> str:
    """Hash one file."""
    if not path.is_file():
        return "missing"
    return _remembered(path) if path.stat().st_size >= LARGE else _hash(path)


@cache
def folder_hash(folder: Path) -> str:
    """Hash every file of a checkpoint folder that is read: weights, configuration, templates, vocabulary, all else."""
    return listing_hash(listing(folder))


def listing(folder: Path) -> dict[str, tuple[int, str]]:
    """List the files of a checkpoint folder that can be read, each with its bytes and its hash."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_read(path.relative_to(folder))]
    return {path.relative_to(folder).as_posix(): (path.stat().st_size, file_hash(path)) for path in found}


def fresh_hash(path: Path) -> str:
    """Hash a file as it is now, whatever is remembered of it."""
    return _hash(path)


def listing_hash(found: Mapping[str, tuple[int, str]]) -> str:
    """Hash a listing: what `folder_hash` says of the folder."""
    return digest("".join(name + hashed for name, (_, hashed) in found.items()).encode())


def digest(content: bytes) -> str:
    """Shorten content to sixteen hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:16]


def _is_read(path: Path) -> bool:
    return path.name not in NOT_READ and path.suffix not in NEVER_READ


def _hash(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            hashed.update(piece)
    return hashed.hexdigest()[:16]


def _remembered(path: Path) -> str:
    status = path.stat()
    key, told = str(path.resolve()), [status.st_size, status.st_mtime_ns]
    known = _read()
    if known.get(key, [])[:2] != told:
        known[key] = [*told, found := _hash(path), _seal(key, [*told, found])]
        files.write(json.dumps(known, indent=1, sort_keys=True) + "\n", files.HASHES)
    return str(known[key][2])


def _read() -> dict[str, list[object]]:
    """Read what is remembered; what cannot be read, or is not as it was written, is forgotten."""
    try:
        found = dict(json.loads(files.HASHES.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
    return {key: one for key, one in found.items() if isinstance(one, list) and one[3:] == [_seal(key, one[:3])]}


def _seal(key: str, told: list[object]) -> str:
    """Hash an entry: one that a flipped bit changed would stand for another checkpoint."""
    return digest(json.dumps([key, told]).encode())
