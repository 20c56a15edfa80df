"""Arrange what each recipe keeps on each benchmark as a table whose shades follow the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from leanvlm.report import words
from leanvlm.report.queries import Row

UNDER = (0.98, 0.9, 0.75, 0.5, 0.25)  # a cell darkens each time it falls below one of these
OVER = (1.02, 1.1)


def table(ratios: Sequence[Row], *, order: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return the benchmarks (columns) and, in the order given, the recipes with a cell or None for each."""
    benchmarks = {cell["benchmark"]: cell["full_accuracy"] for cell in ratios}
    cells = {(cell["recipe"], cell["benchmark"]): cell for cell in ratios}
    lines = [
        row | {"cells": [_shaded(cells.get((row["recipe"], benchmark))) for benchmark in benchmarks]} for row in order
    ]
    return [{"name": name, "full_accuracy": accuracy} for name, accuracy in benchmarks.items()], lines


def shade(kept: float | None) -> str:
    """Name the style of a cell: blue above the full model, deeper orange the less is kept."""
    if kept is None:
        return ""
    n_under = sum(kept < limit for limit in UNDER)
    n_over = sum(kept > limit for limit in OVER)
    return f"under{n_under}" if n_under else f"over{n_over}" if n_over else ""


def _shaded(cell: Row | None) -> Row | None:
    if cell is None:
        return None
    interval = words.percent_range(cell["accuracy_kept_low"], cell["accuracy_kept_high"])
    return cell | {"shade": shade(cell["accuracy_kept"]), "interval": interval}
