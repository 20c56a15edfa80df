"""From answers to tables: store a cell, and write the grid's four tables from its stored cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow as pa

from leanvlm import files
from leanvlm.engine.sweep import Answer
from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import stored_weights
from leanvlm.params import Params
from leanvlm.pipeline import seals
from leanvlm.pipeline.cells import Cell, grid_skips
from leanvlm.tables import answers, cells, parts, skips
from leanvlm.tables._table import header


def store_cell(cell: Cell, found: dict[str, Answer]) -> pa.Table:
    """Write one cell's answers, in the order of sample ids, with the parts of its key and what it achieved."""
    rows = [_row(cell, sample_id, found[sample_id]) for sample_id in sorted(found)]
    kinds = found[min(found)].achieved
    achieved = {kind: round(fmean(answer.achieved[kind] for answer in found.values()), 9) for kind in kinds}
    key, kept = json.dumps(cell.parts), json.dumps(achieved)
    table = pa.Table.from_pylist(rows, schema=answers.TABLE.schema)
    header = {
        "leanvlm.parts": key,
        "leanvlm.achieved": kept,
        seals.SEAL: seals.seal(table, key, kept),
    }
    answers.TABLE.write(table, cell.path, metadata=header)
    return table


def _row(cell: Cell, sample_id: str, found: Answer) -> dict[str, Any]:
    values = {name: value for name, value in vars(found).items() if name != "achieved"}
    return {
        "model": cell.model,
        "recipe": cell.recipe.text,
        "benchmark": cell.benchmark,
        "sample_id": sample_id,
        **values,
    }


def write_tables(params: Params, grid: Sequence[Cell]) -> None:
    """Write answers, cells, parts and skips of the grid.

    Raises: InputError naming the first stored cell that cannot be read; nothing is written then.
    """
    tables = [_read_cell(cell) for cell in grid]
    audits = {cell: _audit(params, cell) for cell in grid}
    answers.TABLE.write(pa.concat_tables(tables), files.table("answers"))
    cells.TABLE.write([_cell_row(cell, audits[cell]) for cell in grid], files.table("cells"))
    rows = [row for recipe_rows in _part_rows(grid, audits) for row in recipe_rows]
    parts.TABLE.write(rows, files.table("parts"))
    skips.TABLE.write([vars(skip) for skip in grid_skips(params)], files.table("skips"))


def _read_cell(cell: Cell) -> pa.Table:
    try:
        return seals.read(cell)
    except seals.Broken as reason:
        raise InputError(f"the stored cell {cell.path} {reason}; run `make repro`, which sets it aside and answers "
                         "only this cell again") from None  # fmt: skip


def _audit(params: Params, cell: Cell) -> dict[str, Any]:
    """Read what a compressed checkpoint really keeps; the full one keeps all."""
    folder = params.folder(cell.model, cell.recipe)
    if cell.recipe.part("weights") is not None:
        audit: dict[str, Any] = json.loads((folder / "audit.json").read_text())
        return audit
    size = full_weights_bytes(params, cell.model)
    return {"weights_bytes": size, "full_weights_bytes": size}


def full_weights_bytes(params: Params, model: str) -> int:
    """Count the bytes of the decoder's linear layers at 16 bits a weight, from the checkpoint's own header."""
    stored = stored_weights(Path(params.models[model].checkpoint))
    return sum(2 * layer.n_weights for layer in stored.values())


def _cell_row(cell: Cell, audit: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": cell.model,
        "recipe": cell.recipe.text,
        "benchmark": cell.benchmark,
        "family": cell.recipe.family,
        "acts_on": cell.recipe.acts_on,
        "cell_key": cell.key,
        "weights_bytes": audit["weights_bytes"],
        "full_weights_bytes": audit["full_weights_bytes"],
    }


def _part_rows(grid: Sequence[Cell], audits: dict[Cell, dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Describe each recipe's parts once; what a part achieved is its mean over the benchmarks."""
    achieved: dict[tuple[str, str], list[dict[str, float]]] = {}
    chosen: dict[tuple[str, str], Cell] = {}
    for cell in grid:
        key = (cell.model, cell.recipe.text)
        chosen[key] = cell
        achieved.setdefault(key, []).append(json.loads(header(cell.path)["leanvlm.achieved"]))
    return [_parts_of(cell, achieved[key], audits[cell]) for key, cell in chosen.items()]


def _parts_of(cell: Cell, achieved: list[dict[str, float]], audit: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for position, part in enumerate(cell.recipe.parts, start=1):
        acts_on = part.built.acts_on
        kept = audit["parts"][position - 1]["achieved_budget"] if acts_on == "weights" else None  # they come first
        if acts_on in ("image", "tokens", "cache") and part.budget is not None:
            kept = round(fmean(shares[acts_on] for shares in achieved), 9)
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
