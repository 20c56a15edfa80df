"""Rows as a person or a program reads them: aligned text, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence

from leanvlm.texts import printable

Rows = Iterable[Sequence[object]]


def as_table(columns: Sequence[str], rows: Rows) -> str:
    """Align columns; numbers have four digits after the point, and what would break a line or a terminal is escaped."""
    cells = [list(columns), *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def as_csv(columns: Sequence[str], rows: Rows) -> str:
    """Write a header and a line per row; null is empty."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([columns, *rows])
    return lines.getvalue().rstrip("\n")


def as_json(columns: Sequence[str], rows: Rows) -> str:
    """Write a list with an object per row; what JSON has no form for, such as a date, is text."""
    objects = [{name: _jsonable(value) for name, value in zip(columns, row, strict=True)} for row in rows]
    return json.dumps(objects, indent=2, ensure_ascii=False, default=str)


FORMATS: dict[str, Callable[[Sequence[str], Rows], str]] = {"table": as_table, "csv": as_csv, "json": as_json}


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if value is None:
        return "null"
    return printable(str(value))


def _jsonable(value: object) -> object:
    """Replace what JSON has no form for, also inside structs, maps and lists."""
    if isinstance(value, dict):
        return {name if isinstance(name, str) else str(name): _jsonable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
