"""Hold what every method was asked to keep against what it kept."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from leanvlm.report import queries
from leanvlm.report.queries import Row


def rows(connection: duckdb.DuckDBPyConnection, *, order: Sequence[Row]) -> list[Row]:
    """Return one row per method with a budget, recipes in the order given."""
    left = {(row["model"], row["recipe"]): row for row in queries.rows(connection, "audit/audit")}
    budgets: dict[tuple[str, str], list[Row]] = {}
    for row in queries.rows(connection, "../checks/budgets"):
        budgets.setdefault((row["model"], row["recipe"]), []).append(row)
    keys = [(row["model"], row["recipe"]) for row in order]
    return [part | left[key] | {"is_within": _is_within(part)} for key in keys for part in budgets.get(key, [])]


def summary(audited: Sequence[Row]) -> str:
    """Say in a sentence how many methods kept what they were asked to keep."""
    measured = [row for row in audited if row["is_within"] is not None]
    n_within = sum(row["is_within"] for row in measured)
    if not audited:
        return "No recipe has a budget."
    unmeasured = f"; {len(audited) - len(measured)} were not measured" if len(measured) < len(audited) else ""
    return f"{n_within} of {len(measured)} measured budgets are within what is allowed{unmeasured}."


def _is_within(part: Row) -> bool | None:
    return None if part["deviation"] is None else part["deviation"] <= part["allowed_deviation"]
