"""One row per model, recipe and position: one method of a recipe, asked and achieved budget."""

from __future__ import annotations

import pyarrow as pa

from leanvlm.tables import _expect
from leanvlm.tables._table import Table, column

TABLE = Table(
    name="parts",
    grain="one row per model, recipe, position",
    schema=pa.schema(
        [
            column("model", pa.string(), "id of the model"),
            column("recipe", pa.string(), "canonical text of the recipe"),
            column("position", pa.int32(), "place of the method in the recipe, from 1"),
            column("method", pa.string(), "id of the method"),
            column("setting", pa.string(), "how strong it was asked to be, as text", is_nullable=True),
            column("options", pa.string(), "options that are not the default, sorted: a=1,b=2"),
            column(
                "budget",
                pa.float64(),
                "share that was asked to be kept; null: the method has no strength",
                unit="ratio",
                is_nullable=True,
            ),
            column(
                "achieved_budget",
                pa.float64(),
                "share that was kept, measured, mean over samples",
                unit="ratio",
                is_nullable=True,
            ),
        ]
    ),
    keys=("model", "recipe", "position"),
)


def expectations() -> list[_expect.Expectation]:
    """Say what every part keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.between("position", 1),
        _expect.matching("method", r"^(?:controls|tokens|cache|weights)/[a-z0-9_]+$"),
        _expect.between("budget", 0, 1, is_open=True),
        _expect.between("achieved_budget", 0, 1),
    ]
