"""Draw how a recipe's speed-up changes along an axis: one small plot an axis and phase, a line a recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import duckdb
from markupsafe import Markup

from leanvlm.markup import element
from leanvlm.report import drawing, queries, small_plot, words
from leanvlm.report.queries import Row
from leanvlm.report.small_plot import FRAME, HEIGHT, WIDTH
from leanvlm.report.tradeoff import axes

NAMES = {
    "batch_size": "prompts at once",
    "new_tokens": "tokens of an answer",
    "pictures": "visual tokens of more pictures",
    "resolution": "visual tokens of a larger picture",
}
PHASES = {"total": "end to end", "prefill": "to the first token", "decode": "each later token"}
DASHES = 3  # styles of lines of one family


def plots(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return a drawing for each model, axis and phase, with what to say of each recipe."""
    found = queries.rows(connection, "speed/along")
    return [_plot(list(rows)) for _, rows in groupby(found, key=lambda row: (row["model"], row["axis"], row["phase"]))]


def _plot(rows: Sequence[Row]) -> Row:
    amounts = [math.log2(row["amount"]) for row in rows]
    ends = [value for row in rows for value in (row["speedup"], row["low"], row["high"]) if value is not None]
    across = axes.around(amounts, start=FRAME.left, end=FRAME.right)
    up = axes.around([*ends, 1.0], start=FRAME.bottom, end=FRAME.top)
    recipes = {recipe: list(points) for recipe, points in groupby(rows, key=lambda row: row["recipe"])}
    kinds = _kinds([points[0]["family"] for points in recipes.values()])
    lines = [_line(points, across, up, kind) for points, kind in zip(recipes.values(), kinds, strict=True)]
    phase, axis = rows[0]["phase"], rows[0]["axis"]
    title = f"{PHASES.get(phase, phase)}, over {NAMES.get(axis, axis)}"
    return {
        "model": rows[0]["model"],
        "title": title,
        "svg": drawing.plot(WIDTH, HEIGHT, f"speed-up {title}", _grid(rows, across, up), *lines),
        "said": [_begin(points[0], kind) for points, kind in zip(recipes.values(), kinds, strict=True)],
    }


def _kinds(families: Sequence[str]) -> list[str]:
    """Give each line its family's colour, and a dash of its own among that family's."""
    return [f"{family} dash{families[:index].count(family) % DASHES}" for index, family in enumerate(families)]


def _grid(rows: Sequence[Row], across: axes.Axis, up: axes.Axis) -> Markup:
    below = [(across.at(math.log2(amount)), f"{amount:,}") for amount in sorted({row["amount"] for row in rows})]
    return small_plot.grid(up, lambda speedup: f"{speedup:g}×", below)


def _line(points: Sequence[Row], across: axes.Axis, up: axes.Axis, kind: str) -> Markup:
    places = [(across.at(math.log2(point["amount"])), up.at(point["speedup"])) for point in points]
    bounded = [(place[0], point) for place, point in zip(places, points, strict=True) if point["low"] is not None]
    errors = (drawing.path("error", drawing.through([(x, up.at(one["low"])), (x, up.at(one["high"]))]))
              for x, one in bounded)  # fmt: skip
    dots = (drawing.dot(_said(point), *place) for place, point in zip(places, points, strict=True))
    return element("g", drawing.path("line", drawing.through(places)), *errors, *dots, class_=f"curve {kind}")


def _said(point: Row) -> str:
    times, spread = words.times(point["speedup"]), words.times_range(point["low"], point["high"])
    return f"{point['recipe']} at {point['amount']:,}: {times} ({spread}), {point['verdict'] or 'no verdict'}"


def _begin(row: Row, kind: str) -> Row:
    """Say from where on a recipe pays."""
    where = row["break_even"]
    pays = f"faster from {where:,}" if where is not None else f"not surely faster at {row['measured_to']:,}"
    return {"recipe": row["recipe"], "pays": pays, "kind": kind}
