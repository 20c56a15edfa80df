"""Turn the leaderboard into the two panels of the Pareto plot."""

from __future__ import annotations

from collections.abc import Sequence

from leanvlm.report import words
from leanvlm.report.queries import Row
from leanvlm.report.tradeoff import plot
from leanvlm.report.tradeoff.plot import Panel, Point

BLIND = "controls/blind"  # sees no picture: nothing to choose, and it would squeeze the plot


def both(rows: Sequence[Row], *, suffix: str) -> list[Row]:
    """Return what the page shows of each panel of one model: its title, its drawing and what is not in it.

    Takes: suffix, what ends the ids of the model's elements.
    """
    rows = [row for row in rows if row["recipe"] != BLIND]
    speed = Panel(
        key=f"pareto-speed{suffix}",
        title="Kept accuracy against measured speed-up",
        x_title="speed-up end to end (right is faster)",
        tick=lambda factor: f"{factor:g}×",
        points=_points(rows, x="total_speedup", front="is_on_speed_front"),
    )
    memory = Panel(
        key=f"pareto-memory{suffix}",
        title="Kept accuracy against memory kept",
        x_title="memory kept (right is smaller)",
        tick=lambda share: f"{100 * share:g} %",
        points=_points(rows, x="memory_kept", front="is_on_memory_front"),
        is_less_better=True,
    )
    return [
        _shown(
            speed,
            n_rows=len(rows),
            what="speed-up",
            empty="No timings were recorded, so there is no speed-up to plot.",
        ),
        _shown(
            memory,
            n_rows=len(rows),
            what="memory",
            empty="Memory was not measured, so there is nothing to plot.",
        ),
    ]


def _points(rows: Sequence[Row], *, x: str, front: str) -> tuple[Point, ...]:
    return tuple(
        Point(
            name=words.short(row["recipe"]),
            tooltip=_tooltip(row),
            family=row["family"],
            x=row[x],
            y=row["shown_performance"],
            x_error=_error(row.get(f"{x}_low"), row.get(f"{x}_high")),
            y_error=_error(row["shown_performance_low"], row["shown_performance_high"]),
            is_on_front=bool(row[front]),
        )
        for row in rows
        if row[x] is not None and row["shown_performance"] is not None
    )


def _tooltip(row: Row) -> str:
    accuracy, memory = words.percent(row["shown_performance"]), words.percent(row["memory_kept"])
    interval = words.percent_range(row["shown_performance_low"], row["shown_performance_high"])
    speed = words.times(row["total_speedup"])
    return f"{row['recipe']}: keeps {accuracy} % of accuracy ({interval}) and {memory} % of memory; speed-up {speed}"


def _error(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def _shown(panel: Panel, *, n_rows: int, what: str, empty: str) -> Row:
    n_left_out = n_rows - len(panel.points)
    note = f"{words.count(n_left_out, 'recipe')} not drawn: no {what} or no accuracy was measured" if n_left_out else ""
    svg = plot.draw(panel) if panel.points else None
    return {"title": panel.title, "note": note if panel.points else "", "svg": svg, "empty": empty}
