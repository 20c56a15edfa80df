"""A stored cell is sealed: the hash of its rows lies beside its key, and both are held against it when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

import pyarrow as pa

from leanvlm.errors import InputError, LeanvlmError
from leanvlm.pipeline.cells import Cell
from leanvlm.tables import answers
from leanvlm.tables._table import header

SEAL = "leanvlm.seal"  # in the header of a cell's file
ASIDE = ".set-aside"  # what is added to the name of a file whose seal is broken


def seal(rows: pa.Table, parts: str, achieved: str) -> str:
    """Hash a cell's rows with what its header says of them."""
    content = json.dumps([rows.to_pylist(), parts, achieved], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


class Broken(InputError):
    """A stored cell that is not what it was when it was written, or is another's; says why."""


def read(cell: Cell) -> pa.Table:
    """Read a stored cell's answers.

    Raises: Broken.
    """
    try:
        rows = answers.TABLE.read(cell.path)
        told = header(cell.path)
    except LeanvlmError:
        raise Broken("is damaged") from None
    parts, achieved = told.get("leanvlm.parts", ""), told.get("leanvlm.achieved", "")
    if told.get(SEAL) != seal(rows, parts, achieved):
        raise Broken("was altered after it was written")
    if parts != json.dumps(cell.parts):
        raise Broken("was made of other inputs than its name says")
    own = {(cell.model, cell.recipe.text, cell.benchmark)}
    if set(zip(*(rows[name].to_pylist() for name in ("model", "recipe", "benchmark")), strict=True)) != own:
        raise Broken("holds the answers of another cell")
    return rows


def set_aside(cells: Iterable[Cell]) -> Iterator[str]:
    """Rename the stored cells whose seal is broken, so that they are answered again; yield a sentence on each."""
    for cell in cells:
        if not cell.path.exists():
            continue
        try:
            read(cell)
        except Broken as reason:
            aside = cell.path.with_name(cell.path.name + ASIDE)
            cell.path.replace(aside)
            yield f"{cell.name}: the stored cell {reason}; it is now {aside.name}, and is answered again"
