"""Show which knob of difficulty explains what a recipe loses: a table per benchmark and knob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leanvlm.recipes import FULL
from leanvlm.report.queries import Row

SIGNS = {"grows": "worse", "shrinks": "better", "unclear": "none"}


def tables(ablated: Mapping[str, Sequence[Row]] | None) -> list[Row]:
    """Turn the tables `levels` and `effects` of an ablation into one table per model, benchmark and knob."""
    if ablated is None:
        return []
    places = list(dict.fromkeys(_place(row) for row in ablated["levels"]))
    return [_table(ablated, place) for place in places]


def _place(row: Row) -> tuple[str, str, str]:
    return row["model"], row["benchmark"], row["knob"]


def _table(ablated: Mapping[str, Sequence[Row]], place: tuple[str, str, str]) -> Row:
    levels = [row for row in ablated["levels"] if _place(row) == place]
    cells = {(row["recipe"], row["level"]): row for row in levels}
    order = [row["level"] for row in sorted(levels, key=_position) if row["recipe"] == FULL]
    effects = [row for row in ablated["effects"] if _place(row) == place]
    model, benchmark, knob = place
    return {
        "model": model,
        "benchmark": benchmark,
        "knob": knob.replace("_", " "),
        "levels": order,
        "full": [cells[FULL, level] for level in order],
        "rows": [_row(effect, [cells[effect["recipe"], level] for level in order]) for effect in effects],
    }


def _position(row: Row) -> Any:
    return row["position"]


def _row(effect: Row, losses: list[Row]) -> Row:
    return {**effect, "losses": losses, "verdict_kind": SIGNS[effect["verdict"]]}
