"""Draw one panel of the Pareto plot as inline SVG: kept accuracy against what it buys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

from markupsafe import Markup

from leanvlm.markup import element
from leanvlm.report import drawing
from leanvlm.report.tradeoff import axes, labels
from leanvlm.report.tradeoff.axes import Axis
from leanvlm.report.tradeoff.labels import Box

WIDTH, HEIGHT = 600, 440  # of the drawing [pixels]; the page scales it
FRAME = Box(54, 14, WIDTH - 14, HEIGHT - 52)
LINE_BOX = 6.0  # distance of the boxes that stand for a line when labels are placed [pixels]
MARKERS = {  # a shape a family, so that the plot can be read without its colours
    "tokens": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "cache": "M-4.5 -4.5h9v9h-9z",
    "weights": "M0 -5.8L5.6 4.4H-5.6z",
    "combined": "M0 -6.2L6.2 0L0 6.2L-6.2 0z",
    "controls": "M-4.5 -4.5L4.5 4.5M-4.5 4.5L4.5 -4.5",
}


@dataclass(frozen=True)
class Point:
    """One recipe: x is what it buys, y the share of accuracy that it keeps, with errors where known."""

    name: str
    tooltip: str
    family: str
    x: float
    y: float
    x_error: tuple[float, float] | None
    y_error: tuple[float, float] | None
    is_on_front: bool


@dataclass(frozen=True)
class Panel:
    """One plot; `untouched` is the x of the full model, where a reference line stands."""

    key: str
    title: str
    x_title: str
    tick: Callable[[float], str]
    points: tuple[Point, ...]
    is_less_better: bool = False  # turns the x axis round, so that the upper right is always best
    untouched: float = 1.0


def draw(panel: Panel) -> Markup:
    """Return the panel as one `<svg>` element."""
    across, up = _axes(panel)
    parts = [_grid(across, up, panel), _front(panel.points, across, up)]
    parts += [_error_bars(point, across, up) for point in panel.points]
    parts += [_marker(point, across, up) for point in panel.points]
    parts += _names(panel.points, across, up)
    title, description = f"{panel.key}-title", f"{panel.key}-desc"
    return element(
        "svg",
        element("title", panel.title, id=title),
        element("desc", _description(panel), id=description),
        *parts,
        class_="plot",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{title} {description}",
    )


def _axes(panel: Panel) -> tuple[Axis, Axis]:
    xs = [panel.untouched, *(value for point in panel.points for value in (point.x, *(point.x_error or ())))]
    ys = [1.0, *(value for point in panel.points for value in (point.y, *(point.y_error or ())))]
    left, right = (FRAME.right, FRAME.left) if panel.is_less_better else (FRAME.left, FRAME.right)
    return axes.around(xs, start=left, end=right), axes.around(ys, start=FRAME.bottom, end=FRAME.top)


def _description(panel: Panel) -> str:
    front = ", ".join(point.name for point in panel.points if point.is_on_front) or "none"
    return f"{len(panel.points)} recipes as points with error bars. On the front, which nothing beats: {front}."


def _grid(across: Axis, up: Axis, panel: Panel) -> Markup:
    lines = [_rectangle(FRAME)]
    for value in across.ticks():
        x = across.at(value)
        lines.append(drawing.path("grid", f"M{x:.1f} {FRAME.top}V{FRAME.bottom}"))
        lines.append(drawing.text(panel.tick(value), x, FRAME.bottom + 18, anchor="middle"))
    for value in up.ticks():
        y = up.at(value)
        lines.append(drawing.path("grid", f"M{FRAME.left} {y:.1f}H{FRAME.right}"))
        lines.append(drawing.text(f"{100 * value:g} %", FRAME.left - 7, y + 4, anchor="end"))
    upright = f"M{across.at(panel.untouched):.1f} {FRAME.top}V{FRAME.bottom}"
    lines.append(drawing.path("untouched", f"{upright}M{FRAME.left} {up.at(1.0):.1f}H{FRAME.right}"))
    lines.append(drawing.text(panel.x_title, (FRAME.left + FRAME.right) / 2, HEIGHT - 10, anchor="middle", kind="axis"))
    return Markup("").join(lines)


def _front(points: Sequence[Point], across: Axis, up: Axis) -> str:
    best = _corners(points, across, up)
    return drawing.path("front", drawing.through(best)) if len(best) > 1 else ""


def _corners(points: Sequence[Point], across: Axis, up: Axis) -> list[tuple[float, float]]:
    return sorted((across.at(point.x), up.at(point.y)) for point in points if point.is_on_front)


def _error_bars(point: Point, across: Axis, up: Axis) -> str:
    x, y = across.at(point.x), up.at(point.y)
    bars = ""
    if point.x_error is not None:
        bars += f"M{across.at(point.x_error[0]):.1f} {y:.1f}H{across.at(point.x_error[1]):.1f}"
    if point.y_error is not None:
        bars += f"M{x:.1f} {up.at(point.y_error[0]):.1f}V{up.at(point.y_error[1]):.1f}"
    return drawing.path(f"error {point.family}", bars) if bars else ""


def _marker(point: Point, across: Axis, up: Axis) -> Markup:
    place = f"translate({across.at(point.x):.1f} {up.at(point.y):.1f})"
    drawn = element("title", point.tooltip), element("path", d=MARKERS[point.family])
    return element("g", *drawn, class_=f"point {point.family}", transform=place)


def _names(points: Sequence[Point], across: Axis, up: Axis) -> list[Markup]:
    """Name the points of the front first, then from the best down, as far as there is room."""
    ordered = sorted(points, key=lambda point: (not point.is_on_front, point.family == "controls", -point.y))
    wanted = [(point.name, across.at(point.x), up.at(point.y)) for point in ordered]
    boxes = [Box(x - 6, y - 6, x + 6, y + 6) for _, x, y in wanted]
    lines = [Box(FRAME.left, up.at(1.0), FRAME.right, up.at(1.0) + 1), *_along(_corners(points, across, up))]
    drawn = []
    for label in labels.place(wanted, obstacles=[*boxes, *lines], frame=FRAME):
        if label.is_far:
            edge = label.box.bottom if label.box.bottom < label.point[1] else label.box.top
            drawn.append(drawing.path("leader", drawing.through([label.point, (label.x, edge)])))
        drawn.append(drawing.text(label.text, label.x, label.box.bottom - 3, anchor=label.anchor, kind="name"))
    return drawn


def _along(corners: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Cover a line through corners with small boxes, for labels to keep clear of."""
    for (left, top), (right, bottom) in pairwise(corners):
        n = 1 + int(hypot(right - left, bottom - top) / LINE_BOX)
        for step in range(n + 1):
            x, y = left + (right - left) * step / n, top + (bottom - top) * step / n
            yield Box(x - 1, y - 1, x + 1, y + 1)


def _rectangle(box: Box) -> Markup:
    width, height = box.right - box.left, box.bottom - box.top
    return element("rect", class_="frame", x=box.left, y=box.top, width=width, height=height)
