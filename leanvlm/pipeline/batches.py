"""A cell that is not whole yet: its answers so far, a sealed file a batch, in a folder beside where the cell will lie.

A batch is kept for all its cells as soon as it is answered, so a kill loses the batches that were being answered and no
others, and nothing but the batches that are on their way lies in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from leanvlm.engine.conversations import blocks, conversations
from leanvlm.engine.sweep import Answer
from leanvlm.engine.vision.centers import unpack
from leanvlm.errors import InputError, RunError
from leanvlm.hashes import digest
from leanvlm.pipeline import seals
from leanvlm.pipeline.cells import Cell
from leanvlm.pipeline.stored_cells import not_stored
from leanvlm.sample import Sample
from leanvlm.tables import answers

CENTERS = 200  # samples whose centres of tokens are kept: the report draws no more flips, and they are large


@dataclass(frozen=True)
class Batch:
    """Samples that the same cells lack, and where the first of them stands among the benchmark's."""

    first: int
    samples: tuple[Sample, ...]
    cells: tuple[Cell, ...]


def lacking(cells: Sequence[Cell], samples: Iterable[Sample], *, size: int) -> Iterator[Batch]:
    """Cut what cells lack into batches of at most `size` samples, in the samples' order; no conversation is cut."""
    kept = {cell: set(_rows(cell).column("sample_id").to_pylist()) for cell in cells}
    n_before = 0
    for block in blocks(samples, size=size):
        groups: dict[tuple[Cell, ...], list[Sample]] = {}
        for turns in conversations(block):
            names = {sample.sample_id for sample in turns}
            groups.setdefault(tuple(cell for cell in cells if not names <= kept[cell]), []).extend(turns)
        for own, asked in groups.items():
            if own:
                yield Batch(n_before + block.index(asked[0]), tuple(asked), own)
        n_before += len(block)


def keep(batch: Batch, found: Iterable[tuple[str, str, Answer]]) -> None:
    """Store what was answered to a batch, a file a cell, named by its samples: another machine may cut other batches.

    Takes: found, (recipe, sample_id, answer) in any order.
    """
    order = {sample.sample_id: batch.first + place for place, sample in enumerate(batch.samples)}
    said: dict[str, dict[str, Answer]] = {cell.recipe.text: {} for cell in batch.cells}
    for recipe, sample_id, answer in found:
        said[recipe][sample_id] = answer
    name = f"{batch.first:07d}-{digest(json.dumps(list(order)).encode())}.parquet"
    for cell in batch.cells:
        own = {name: said[cell.recipe.text][name] for name in order}
        seals.write(cell, table(cell, own, first=batch.first), f"{cell.batches}/{name}")


def join(cell: Cell, ids: Sequence[str]) -> int:
    """Make a cell of its batches, which go; return how many of its samples were refused.

    Takes: ids, all the samples that it must have, in order.

    Raises: InputError where every sample was refused: that says something of the model, not of its answers; RunError
        where batches went meanwhile.
    """
    rows = _whole(cell, ids)
    refusals = rows.column("refusal").drop_null()
    if len(refusals) < len(ids):
        seals.write(cell, rows, cell.file)
    cell.storage.delete(cell.batches)
    if len(refusals) == len(ids):
        raise InputError(f"{cell.name}: every sample was refused; {refusals[0]}")
    return len(refusals)


def _whole(cell: Cell, ids: Sequence[str]) -> pa.Table:
    """Read a cell's answers in the order of its samples; where another machine joined them before, from the cell."""
    rows = _rows(cell)
    places = {name: place for place, name in enumerate(rows.column("sample_id").to_pylist())}
    if set(ids) <= set(places):
        return rows.take([places[name] for name in ids])
    if not not_stored([cell]):
        with suppress(seals.Broken):
            return seals.read(cell)
    n = len(set(ids) - set(places))
    raise RunError(f"{cell.name}: {n} of its answers went before they were joined; run again, which answers them")


def table(cell: Cell, found: dict[str, Answer], *, first: int = 0) -> pa.Table:
    """Describe answers as rows of a cell; `first` says where they stand among the benchmark's samples."""
    named = {"model": cell.model, "recipe": cell.recipe.text, "benchmark": cell.benchmark}
    rows = [
        {**named, "sample_id": sample_id, **vars(answer), "kept_centers": _centers(answer, first + place)}
        for place, (sample_id, answer) in enumerate(found.items())
    ]
    return pa.Table.from_pylist(rows, schema=answers.TABLE.schema)


def _centers(answer: Answer, place: int) -> list[dict[str, int]] | None:
    if answer.kept_centers is None or place >= CENTERS:
        return None
    return [{"image": image, "x": x, "y": y} for image, x, y in unpack(answer.kept_centers).tolist()]


def _rows(cell: Cell) -> pa.Table:
    """Read a cell's batches; one whose seal is broken is set aside, and its samples are answered again."""
    found = [answers.TABLE.empty()]
    names = sorted(entry.name for entry in cell.storage.entries(f"{cell.batches}/"))
    for name in names:
        if name.endswith(".parquet"):
            try:
                found.append(seals.read(cell, name))
            except seals.Broken as reason:
                print(seals.put_aside(cell, name, reason))
    return pa.concat_tables(found)
