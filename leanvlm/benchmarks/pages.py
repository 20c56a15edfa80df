"""pages: two to four drawn pages in one prompt; asks for a value on one of them.

Source:  drawn by this project. In the manner of MP-DocVQA (Tito et al. 2023): the page must be found first.
Grading: anls, DocVQA's measure.
Knobs:   pages, lines (per page), value_length, jitter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from leanvlm.benchmarks._benchmark import DrawnBenchmark, Picture, Question, paper
from leanvlm.benchmarks._canvas import FIELDS, TILE, Canvas
from leanvlm.benchmarks.documents import value, write_field

Written = tuple[str, tuple[float, float]]  # a value, and where on its page it stands


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """A bundle of short forms, each key on one page only."""

    pages: tuple[int, int] = (2, 4)  # fewest and most pages in one prompt
    lines: tuple[int, int] = (1, 1)  # fewest and most lines on a page
    value_length: tuple[int, int] = (5, 6)  # characters of a value
    jitter: int = 1  # each line is moved by up to this much, both ways [pixels]

    kinds = ("value",)

    def draw(self, rng: random.Random) -> Picture:
        """Draw the pages and ask for the value of each key."""
        counts = [rng.randint(*self.lines) for _ in range(rng.randint(*self.pages))]
        keys = iter(rng.sample(FIELDS, sum(counts)))
        canvases, questions = [], []
        for number, count in enumerate(counts, start=1):
            page, written = self._page(number, [next(keys) for _ in range(count)], rng)
            canvases.append(page)
            for key, (text, (x, y)) in written.items():
                at = (x, (number - 1 + y) / len(counts))
                questions.append(Question("value", f"on page {number}, what is the {key}?", (text,), "anls", at))
        return Picture(tuple(canvases), tuple(questions))

    def _page(self, number: int, keys: list[str], rng: random.Random) -> tuple[Canvas, dict[str, Written]]:
        page = Canvas(background=paper(rng))
        page.text(f"PAGE {number}", column=rng.randint(0, 6), row=0)
        values = {key: value(rng, self.value_length) for key in keys}
        written = {}
        for key, row in zip(keys, sorted(rng.sample(range(1, TILE), len(keys))), strict=True):
            written[key] = values[key], write_field(page, key, values[key], row=row, jitter=self.jitter, rng=rng)
        return page, written
