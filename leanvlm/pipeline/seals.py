"""What is stored of a cell is sealed: the hash of its rows lies beside its key, and both are checked on reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from leanvlm.errors import InputError, LeanvlmError
from leanvlm.pipeline.cells import Cell
from leanvlm.tables import answers
from leanvlm.tables._parquet import header

PARTS = "leanvlm.parts"  # in the header of a cell's file: what its answers depend on
SEAL = "leanvlm.seal"
ASIDE = ".set-aside"  # what is added to the name of a file whose seal is broken
AT_ONCE = 16  # rows that are hashed together; some of them are large


def seal(rows: pa.Table, parts: str) -> str:
    """Hash rows with what their file's header says of them."""
    hashed = hashlib.sha256(parts.encode())
    for start in range(0, rows.num_rows, AT_ONCE):
        for row in rows.slice(start, AT_ONCE).to_pylist():
            hashed.update(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


class Broken(InputError):
    """A stored file that is not what it was when it was written, or is another's; says why."""


def write(cell: Cell, rows: pa.Table, path: Path) -> None:
    """Write answers of a cell, all or some, with the parts of its key and their seal."""
    parts = json.dumps(cell.parts)
    answers.TABLE.write(rows, path, metadata={PARTS: parts, SEAL: seal(rows, parts)})


def read(cell: Cell, path: Path | None = None) -> pa.Table:
    """Read a stored cell's answers, or those of one of its batches.

    Raises: Broken.
    """
    path = path or cell.path
    try:
        rows = answers.TABLE.read(path)
        told = header(path)
    except LeanvlmError:
        raise Broken("is damaged") from None
    parts = told.get(PARTS, "")
    if told.get(SEAL) != seal(rows, parts):
        raise Broken("was altered after it was written")
    if parts != json.dumps(cell.parts):
        raise Broken("was made of other inputs than its name says")
    own = {(cell.model, cell.recipe.text, cell.benchmark)}
    if set(zip(*(rows[name].to_pylist() for name in ("model", "recipe", "benchmark")), strict=True)) != own:
        raise Broken("holds the answers of another cell")
    return rows


def put_aside(cell: Cell, path: Path, reason: Broken) -> str:
    """Rename a file whose seal is broken, so that it is answered again; return a sentence on it."""
    aside = path.with_name(path.name + ASIDE)
    path.replace(aside)
    return f"{cell.name}: the stored cell {reason}; it is now {aside.name}, and is answered again"


def set_aside(cells: Iterable[Cell]) -> Iterator[str]:
    """Rename the stored cells whose seal is broken; yield a sentence on each."""
    for cell in cells:
        if not cell.path.exists():
            continue
        try:
            read(cell)
        except Broken as reason:
            yield put_aside(cell, cell.path, reason)
