"""What a storage holds of the grid's cells, and of others that it once had."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from leanvlm import files
from leanvlm.pipeline.cells import Cell
from leanvlm.storage._storage import Entry, Storage
from leanvlm.tables._parquet import header

PARTS = "leanvlm.parts"  # in the header of a cell's file: what its answers depend on


def not_stored(cells: Sequence[Cell]) -> list[Cell]:
    """List the cells that are not stored; one listing of a storage tells it of all."""
    found = {storage: stored(storage) for storage in {cell.storage for cell in cells}}
    return [cell for cell in cells if cell.file not in found[cell.storage]]


def stored(storage: Storage) -> dict[str, Entry]:
    """List cells by name, whole (.parquet) or not (the folder .batches as one), with when they were written last."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in storage.entries():
        unit = "/".join(entry.name.split("/")[:3])
        if unit.count("/") == 2 and unit.endswith((".parquet", ".batches")):
            found[unit].append(entry)
    return {
        name: Entry(name, max(one.modified_ns for one in entries), sum(one.n_bytes for one in entries))
        for name, entries in found.items()
    }


def delete_joined(cells: Sequence[Cell]) -> None:
    """Delete batches of whole cells: they stay where a worker was killed, or taken for dead, as it joined them."""
    for storage in {cell.storage for cell in cells}:
        names = stored(storage)
        for cell in cells:
            if cell.storage == storage and cell.file in names and cell.batches in names:
                storage.delete(cell.batches)


def prune(storage: Storage, wanted: Iterable[Cell], *, keep: int) -> int:
    """Delete stored cells that are not wanted, whole or not, but for the `keep` newest; return how many went.

    None goes from a bucket: what this grid does not ask for, another machine's may.
    """
    old = [] if storage.inputs else unused(storage, wanted)[keep:]
    for entry in old:
        storage.delete(entry.name)
    return len(old)


def unused(storage: Storage, wanted: Iterable[Cell]) -> list[Entry]:
    """List stored cells that are not wanted, whole or not, newest first."""
    named = {name for cell in wanted for name in (cell.file, cell.batches)}
    others = [entry for entry in stored(storage).values() if entry.name not in named]
    return sorted(others, key=lambda entry: (entry.modified_ns, entry.name), reverse=True)


def explain(cell: Cell) -> str:
    """Say why a cell is found or not: which parts of its key differ from the nearest stored cell."""
    beside = {entry.name: entry for entry in cell.storage.entries(cell.siblings)}
    if cell.file in beside:
        return f"{cell.name}: stored as {cell.storage.where(cell.file)}"
    if any(name.startswith(f"{cell.batches}/") for name in beside):
        return f"{cell.name}: answered in part, in {cell.storage.where(cell.batches)}"
    same = re.compile(f"{re.escape(cell.siblings + files.slug(cell.benchmark))}-[0-9a-f]{{16}}.parquet")
    answered = [entry for entry in beside.values() if same.fullmatch(entry.name)]
    if not answered:
        return f"{cell.name}: never answered"
    newest = max(answered, key=lambda entry: entry.modified_ns)
    with cell.storage.reading(newest.name) as path:
        before = dict(json.loads(header(path).get(PARTS, "[]")))
    changed = [name for name, value in cell.key_parts if before.get(name) != value]
    return f"{cell.name}: answered before with other {', '.join(changed)}"
