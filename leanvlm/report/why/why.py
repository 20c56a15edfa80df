"""Put the strongest properties of each recipe's losses beside each other."""

from __future__ import annotations

from itertools import groupby

import duckdb

from leanvlm.report import queries
from leanvlm.report.queries import Row

STRONGEST = 3  # of each recipe; why.sql asks for as many


def recipes(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return a row for each model and recipe with its strongest properties, or with nothing where there are fewer."""
    found = queries.rows(connection, "why/why")
    return [_recipe(list(rows)) for _, rows in groupby(found, key=lambda row: (row["model"], row["recipe"]))]


def _recipe(rows: list[Row]) -> Row:
    first = {name: rows[0][name] for name in ("model", "recipe", "n_samples", "mean_loss")}
    causes = [row | {"name": _name(row["property"])} for row in rows]
    return first | {"causes": [*causes, *[None] * (STRONGEST - len(causes))]}


def _name(known: str) -> str:
    """Write a property as words; a kind holds names, which stay as they are."""
    return known if known.startswith("kind: ") else known.replace("_", " ")
