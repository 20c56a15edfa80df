"""From stored cells to the grid's four tables."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params import Params
from leanvlm.pipeline import notes, seals
from leanvlm.pipeline.cells import Cell, grid_skips
from leanvlm.pipeline.widths import decoder_weights
from leanvlm.tables import answers, cells, parts, skips

Kept = dict[str, float]  # share kept, by what a part acts on, and "bits" of what quantises the cache


def write_tables(params: Params, grid: Sequence[Cell]) -> None:
    """Write answers, cells, parts and skips of the grid.

    Raises: InputError naming the first stored cell that cannot be read; nothing is written then.
    """
    audits = {cell: _audit(params, cell) for cell in grid}
    achieved: dict[tuple[str, str], list[Kept]] = {}
    with answers.TABLE.writing(files.table("answers")) as write:
        for cell in grid:
            rows = _read_cell(cell)
            write(rows)
            achieved.setdefault((cell.model, cell.recipe.text), []).append(_kept(rows))
    cells.TABLE.write([_cell_row(params, cell, audits[cell]) for cell in grid], files.table("cells"))
    described = {(cell.model, cell.recipe.text): cell for cell in grid}
    part_rows = [row for key, cell in described.items() for row in _parts_of(cell, achieved[key], audits[cell])]
    parts.TABLE.write(part_rows, files.table("parts"))
    skips.TABLE.write([vars(skip) for skip in grid_skips(params)], files.table("skips"))


def _read_cell(cell: Cell) -> pa.Table:
    try:
        return seals.read(cell)
    except seals.Broken as reason:
        where = cell.storage.where(cell.file)
        raise InputError(f"the stored cell {where} {reason}; run `make repro`, which sets it aside and answers "
                         "only this cell again") from None  # fmt: skip


def _audit(params: Params, cell: Cell) -> dict[str, Any]:
    """Read what a compressed checkpoint really keeps; the full one keeps all."""
    folder = params.folder(cell.model, cell.recipe)
    if cell.recipe.part("weights") is not None:
        with notes.reading(folder / files.AUDIT) as audit:
            kept = [{"achieved_budget": part["achieved_budget"]} for part in audit["parts"]]
            sizes = {name: int(audit[name]) for name in ("weights_bytes", "full_weights_bytes")}
        return {**sizes, "parts": kept}
    size = full_weights_bytes(params, cell.model)
    return {"weights_bytes": size, "full_weights_bytes": size}


def full_weights_bytes(params: Params, model: str) -> int:
    """Count the bytes of the decoder's linear layers at 16 bits a weight."""
    return 2 * decoder_weights(params, model)


def _cell_row(params: Params, cell: Cell, audit: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": cell.model,
        "recipe": cell.recipe.text,
        "benchmark": cell.benchmark,
        "checkpoint": params.models[cell.model].checkpoint,
        "family": cell.recipe.family,
        "acts_on": cell.recipe.acts_on,
        "cell_key": cell.key,
        "weights_bytes": audit["weights_bytes"],
        "full_weights_bytes": audit["full_weights_bytes"],
    }


def _kept(rows: pa.Table) -> Kept:
    """Average what was kept of what a part acts on, over the samples that were asked."""
    asked = rows.filter(pc.is_null(rows["refusal"]))
    return {kind: round(fmean(asked[f"{kind}_kept"].to_pylist()), 9) for kind in ("image", "tokens", "cache", "bits")}


def _parts_of(cell: Cell, achieved: Sequence[Kept], audit: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe a recipe's parts; what a part achieved is its mean over the benchmarks."""
    rows = []
    for position, part in enumerate(cell.recipe.parts, start=1):
        acts_on = part.built.acts_on
        kept = audit["parts"][position - 1]["achieved_budget"] if acts_on == "weights" else None  # they come first
        if acts_on in ("image", "tokens", "cache") and part.setting is not None:
            kind = "bits" if part.built.quantises else acts_on
            kept = round(fmean(shares[kind] for shares in achieved), 9)
        rows.append(
            {
                "model": cell.model,
                "recipe": cell.recipe.text,
                "position": position,
                "method": part.method,
                "setting": part.setting,
                "options": part.options,
                "budget": part.budget,
                "achieved_budget": kept,
            }
        )
    return rows
