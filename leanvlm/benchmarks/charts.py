"""charts: drawn bar and line charts with a labelled axis; asks for values, extremes and comparisons.

Source:  drawn by this project. In the manner of ChartQA (Masry et al. 2022).
Grading: relaxed, ChartQA's measure: numbers within 5 %, text exactly.
Knobs:   series (number of bars or points), tops (what the axis ends at), jitter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from leanvlm.benchmarks._benchmark import DrawnBenchmark, Picture, Question, paper
from leanvlm.benchmarks._canvas import COLORS, PATCH, TILE, Canvas

UNITS = 10  # the axis has ten steps of one patch; row UNITS - u + 1 is step u
GRAY = (190, 190, 190)


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """One series over three to four named places."""

    series: tuple[int, int] = (3, 4)  # fewest and most bars or points
    tops: tuple[int, ...] = (10, 20, 50, 100)  # the axis' last tick
    jitter: int = 1  # each bar is moved sideways by up to this much [pixels]

    kinds = ("value", "extreme", "compare", "value", "extreme", "count")

    def draw(self, rng: random.Random) -> Picture:
        """Draw a chart of distinct heights and ask everything about it."""
        canvas, is_bar = Canvas(background=paper(rng)), rng.random() < 0.6
        count, top = rng.randint(*self.series), rng.choice(self.tops)
        names = rng.sample("ABCDEFGHIJKLMNOPQRSTUVWXYZ", count)
        heights = rng.sample(range(1, UNITS + 1), count)
        self._axis(canvas, top)
        columns = [3 + 2 * index + rng.randint(0, 1) * (count < 4) for index in range(count)]
        self._series(canvas, columns, heights, is_bar, rng)
        for name, column, height in zip(names, columns, heights, strict=True):
            canvas.name_column(name, column=column, row=TILE - 1, height=height)
        values = {name: height * top // UNITS for name, height in zip(names, heights, strict=True)}
        tops = [((c + 0.5) / TILE, (UNITS - h + 1) / TILE) for c, h in zip(columns, heights, strict=True)]
        places = dict(zip(names, tops, strict=True))
        return Picture((canvas,), tuple(_questions(values, places, "bars" if is_bar else "points", rng)))

    def _axis(self, canvas: Canvas, top: int) -> None:
        for step in (5, 10):
            row = UNITS - step + 1
            canvas.text(str(top * step // UNITS), column=0, row=row)
            canvas.line([(3 * PATCH, row * PATCH), (TILE * PATCH, row * PATCH)], color=GRAY)
        canvas.line([(3 * PATCH - 2, 0), (3 * PATCH - 2, 11 * PATCH), (TILE * PATCH, 11 * PATCH)], color=(0, 0, 0))

    def _series(self, canvas: Canvas, columns: list[int], heights: list[int], is_bar: bool, rng: random.Random) -> None:
        color = rng.choice(list(COLORS))
        tops = [UNITS - height + 1 for height in heights]
        if is_bar:
            for column, top in zip(columns, tops, strict=True):
                shift = rng.randint(-self.jitter, self.jitter)
                canvas.bar(column=column, top=top, bottom=UNITS, color=color, shift=shift)
            return
        places: list[tuple[float, float]] = [((c + 0.5) * PATCH, t * PATCH) for c, t in zip(columns, tops, strict=True)]
        canvas.line(places, color=COLORS[color], width=2)
        for column, top in zip(columns, tops, strict=True):
            canvas.point(column=column, row=top, height=UNITS - top + 1, color=color)


def _questions(
    values: dict[str, int], places: dict[str, tuple[float, float]], noun: str, rng: random.Random
) -> list[Question]:
    """Ask everything; `places` are the tops of bars or points."""
    asked = [
        Question("value", f"what is the value of {n}?", (str(v),), "relaxed", places[n]) for n, v in values.items()
    ]
    highest, lowest = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    asked.append(Question("extreme", "which is the highest?", (highest,), "relaxed", places[highest]))
    asked.append(Question("extreme", "which is the lowest?", (lowest,), "relaxed", places[lowest]))
    for _ in range(2):
        first, second = rng.sample(list(values), 2)
        truth = "yes" if values[first] > values[second] else "no"
        asked.append(Question("compare", f"is {first} higher than {second}?", (truth,), "relaxed"))
    asked.append(Question("count", f"how many {noun}?", (str(len(values)),), "relaxed"))
    return asked
