"""Lay out what compression does beside accuracy: of all recipes, and on benchmarks that ask for the absent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import duckdb

from leanvlm.report import queries
from leanvlm.report.queries import Row


def tables(connection: duckdb.DuckDBPyConnection) -> Row:
    """Return the rows of all recipes, a table for each benchmark that asks about what is not there, and of orders."""
    absent = queries.rows(connection, "trust/absent")
    return {
        "recipes": queries.rows(connection, "trust/trust"),
        "absent": [_table(*place, list(rows)) for place, rows in groupby(absent, key=_place)],
        "orders": queries.rows(connection, "trust/orders"),
    }


def _place(row: Row) -> tuple[str, str]:
    return row["model"], row["benchmark"]


def _table(model: str, benchmark: str, rows: Sequence[Row]) -> Row:
    """Put a recipe's kinds beside each other; what all kinds say stands first."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    by_recipe = {recipe: {row["kind"]: row for row in own} for recipe, own in groupby(rows, key=lambda r: r["recipe"])}
    lines = [
        {"recipe": recipe, "all": own["all"], "cells": [own.get(kind) for kind in kinds]}
        for recipe, own in by_recipe.items()
    ]
    return {"model": model, "benchmark": benchmark, "kinds": kinds, "rows": lines}
