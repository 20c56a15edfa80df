"""What is stored of a cell is sealed: the hash of its rows lies beside its key, and both are checked on reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa

from leanvlm.errors import InputError, LeanvlmError
from leanvlm.pipeline.cells import Cell
from leanvlm.pipeline.stored_cells import PARTS, not_stored
from leanvlm.tables import answers
from leanvlm.tables._parquet import header

SEAL = "leanvlm.seal"  # in the header of a cell's file, beside the parts
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


def write(cell: Cell, rows: pa.Table, name: str) -> bool:
    """Store answers of a cell, all or some, with the parts of its key and their seal.

    Returns whether they are the first of that name; in a bucket another machine's, which say the same, stay.
    """
    parts = json.dumps(cell.key_parts)
    metadata = {PARTS: parts, SEAL: seal(rows, parts)}
    return cell.storage.write(name, partial(answers.TABLE.write, rows, metadata=metadata))


def read(cell: Cell, name: str | None = None) -> pa.Table:
    """Read a stored cell's answers, or those of one of its batches.

    Raises: Broken.
    """
    with cell.storage.reading(name or cell.file) as path:
        try:
            rows = answers.TABLE.read(path)
            told = header(path)
        except LeanvlmError:
            raise Broken("is damaged") from None
    parts = told.get(PARTS, "")
    if told.get(SEAL) != seal(rows, parts):
        raise Broken("was altered after it was written")
    if parts != json.dumps(cell.key_parts):
        raise Broken("was made of other inputs than its name says")
    own = {(cell.model, cell.recipe.text, cell.benchmark)}
    if set(zip(*(rows[name].to_pylist() for name in ("model", "recipe", "benchmark")), strict=True)) != own:
        raise Broken("holds the answers of another cell")
    return rows


def put_aside(cell: Cell, name: str, reason: Broken) -> str:
    """Rename a file whose seal is broken, so that it is answered again; return a sentence on it."""
    aside = cell.storage.set_aside(name).rpartition("/")[2]
    return f"{cell.name}: the stored cell {reason}; it is now {aside}, and is answered again"


def set_aside(cells: Sequence[Cell]) -> Iterator[str]:
    """Rename the stored cells whose seal is broken; yield a sentence on each."""
    absent = set(not_stored(cells))
    for cell in cells:
        if cell in absent:
            continue
        try:
            read(cell)
        except Broken as reason:
            yield put_aside(cell, cell.file, reason)
