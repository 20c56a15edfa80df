"""Draw the roofline: what the device could do a second over operations a byte, and what recipes reach beneath it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import duckdb
from markupsafe import Markup

from leanvlm.report import drawing, queries, words
from leanvlm.report.queries import Row
from leanvlm.report.tradeoff import axes
from leanvlm.report.tradeoff.labels import Box

WIDTH, HEIGHT = 620, 320  # [pixels]
FRAME = Box(90, 12, WIDTH - 14, HEIGHT - 44)
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1.0, ""))


def plots(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return a drawing for each model."""
    found = queries.rows(connection, "speed/roofline")
    return [_plot(model, list(rows)) for model, rows in groupby(found, key=lambda row: row["model"])]


def _plot(model: str, rows: Sequence[Row]) -> Row:
    flops, bandwidth = rows[0]["flops"], rows[0]["bandwidth"]
    intensities = [math.log10(row["intensity"]) for row in rows] + [math.log10(flops / bandwidth)]
    speeds = [math.log10(row["reached"]) for row in rows] + [math.log10(flops)]
    across = axes.around(intensities, start=FRAME.left, end=FRAME.right)
    up = axes.around(speeds, start=FRAME.bottom, end=FRAME.top)
    dots = [_dot(row, across, up) for row in rows]
    drawn = (_grid(across, up), _roof(flops, bandwidth, across, up), *dots)
    return {
        "model": model,
        "is_shape_only": rows[0]["is_shape_only"],
        "flops": f"{_unit(flops)}FLOP/s",
        "bandwidth": f"{_unit(bandwidth)}B/s",
        "svg": drawing.plot(WIDTH, HEIGHT, f"roofline of {model}", *drawn),
        "rows": rows,
    }


def _roof(flops: float, bandwidth: float, across: axes.Axis, up: axes.Axis) -> Markup:
    """Rise with the bandwidth up to the device's operations, from where the frame begins."""
    ridge = math.log10(flops / bandwidth)
    left = max(across.low, up.low - math.log10(bandwidth))
    corners = [(left, left + math.log10(bandwidth)), (ridge, math.log10(flops)), (across.high, math.log10(flops))]
    return drawing.path("front", drawing.through([(across.at(x), up.at(y)) for x, y in corners]))


def _dot(row: Row, across: axes.Axis, up: axes.Axis) -> Markup:
    said = (f"{row['recipe']}, {row['phase']}: {words.percent(row['share_of_flops'])} % of the operations, "
            f"{words.percent(row['share_of_bandwidth'])} % of the bandwidth")  # fmt: skip
    x, y = across.at(math.log10(row["intensity"])), up.at(math.log10(row["reached"]))
    return drawing.dot(said, x, y, kind=f"{row['family']} {row['phase']}")


def _grid(across: axes.Axis, up: axes.Axis) -> Markup:
    drawn = []
    for power in range(math.ceil(up.low), math.floor(up.high) + 1):
        drawn.append(drawing.path("grid", f"M{FRAME.left} {up.at(power):.1f}H{FRAME.right}"))
        drawn.append(drawing.text(f"{_unit(10.0**power)}FLOP/s", FRAME.left - 6, up.at(power) + 4, anchor="end"))
    for power in range(math.ceil(across.low), math.floor(across.high) + 1):
        drawn.append(drawing.text(f"{10.0**power:g}", across.at(power), FRAME.bottom + 17, anchor="middle"))
    middle = (FRAME.left + FRAME.right) / 2
    return Markup("").join([*drawn, drawing.text("operations a byte", middle, HEIGHT - 8, anchor="middle")])


def _unit(value: float) -> str:
    size, name = next((size, name) for size, name in UNITS if value >= size or size == 1.0)
    return f"{value / size:.3g} {name}"
