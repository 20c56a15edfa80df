"""Draw budget curves: what a method keeps of accuracy over its budget, one small plot a method, alike in scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby

import duckdb
from markupsafe import Markup

from leanvlm.markup import element
from leanvlm.report import drawing, queries, small_plot, words
from leanvlm.report.queries import Row
from leanvlm.report.small_plot import FRAME, HEIGHT, WIDTH
from leanvlm.report.tradeoff import axes

DASHES = 3  # styles in which controls are drawn

Place = Callable[[float, float], tuple[float, float]]


def groups(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return for each model and kind of budget the names of its controls and a drawing for each of its methods."""
    found = queries.rows(connection, "curves/curves")
    kinds = groupby(found, key=lambda row: (row["model"], row["compared"]))
    drawn = [_group(model, compared, list(rows)) for (model, compared), rows in kinds]
    return [group for group in drawn if group["plots"]]


def _group(model: str, compared: str, rows: Sequence[Row]) -> Row:
    place, scale = _scale(rows)
    curves = {curve: list(points) for curve, points in groupby(rows, key=lambda row: row["curve"])}
    controls = {curve: points for curve, points in curves.items() if points[0]["is_control"]}
    kinds = [f"control{index % DASHES}" for index in range(len(controls))]
    behind = [_curve(points, place, kind) for points, kind in zip(controls.values(), kinds, strict=True)]
    plots = [
        {"curve": words.short(curve), "svg": _svg(curve, scale, *behind, _curve(points, place, compared))}
        for curve, points in curves.items()
        if curve not in controls
    ]
    legend = [{"name": words.short(curve), "kind": kind} for curve, kind in zip(controls, kinds, strict=True)]
    return {"model": model, "compared": compared, "controls": legend, "plots": plots}


def _scale(rows: Sequence[Row]) -> tuple[Place, Markup]:
    """Return where a budget and a share lie, and the grid; budgets are on a logarithmic axis."""
    budgets = sorted({row["budget"] for row in rows})
    shares = [value for row in rows for value in (row["performance"], row["low"], row["high"]) if value is not None]
    across = axes.around([math.log(budget) for budget in (*budgets, 1.0)], start=FRAME.left, end=FRAME.right)
    up = axes.around([*shares, 1.0], start=FRAME.bottom, end=FRAME.top)
    below = [(across.at(math.log(budget)), words.budget(budget)) for budget in sorted({*budgets, 1.0})]
    grid = small_plot.grid(up, lambda share: f"{100 * share:g} %", below)
    return lambda budget, share: (across.at(math.log(budget)), up.at(share)), grid


def _curve(points: Sequence[Row], place: Place, kind: str) -> Markup:
    """Draw a band of intervals and a line through the shares, and a marker for each budget; schemes stand alone."""
    shares = [point for point in points if not point["scheme"]]
    drawn = _line(shares, place) + _bars([point for point in points if point["scheme"]], place)
    markers = (drawing.dot(_said(point), *place(point["budget"], point["performance"])) for point in points)
    return element("g", drawn, *markers, class_=f"curve {kind}")


def _line(points: Sequence[Row], place: Place) -> Markup:
    line = [place(point["budget"], point["performance"]) for point in points]
    bounded = [point for point in points if point["low"] is not None]
    band = [place(point["budget"], point["high"]) for point in bounded]
    band += [place(point["budget"], point["low"]) for point in reversed(bounded)]
    drawn = drawing.path("band", drawing.through(band)) if len(bounded) > 1 else _bars(bounded, place)
    return drawn + (drawing.path("line", drawing.through(line)) if len(line) > 1 else Markup(""))


def _bars(points: Sequence[Row], place: Place) -> Markup:
    bounded = [point for point in points if point["low"] is not None]
    ends = [(place(point["budget"], point["low"]), place(point["budget"], point["high"])) for point in bounded]
    return Markup("").join(drawing.path("error", drawing.through(pair)) for pair in ends)


def _said(point: Row) -> str:
    seeds = f", mean of {point['n_recipes']} seeds" if point["n_recipes"] > 1 else ""
    kept, interval = words.percent(point["performance"]), words.percent_range(point["low"], point["high"])
    name = "@".join(filter(None, (point["curve"], point["scheme"])))
    return f"{name} at {words.budget(point['budget'])}: {kept} % ({interval}){seeds}"


def _svg(curve: str, *drawn: Markup) -> Markup:
    return drawing.plot(WIDTH, HEIGHT, f"{words.short(curve)}: accuracy kept over budget", *drawn)
