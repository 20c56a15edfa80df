"""documents: drawn pages of `KEY:VALUE` lines; asks for the value of a key.

Source:  drawn by this project. In the manner of DocVQA (Mathew et al. 2021), which asks for fields of scanned forms.
Grading: anls, DocVQA's measure.
Knobs:   columns and rows (resolution, in patches of 12 pixels), lines (words per page), value_length, jitter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from leanvlm.benchmarks._benchmark import DrawnBenchmark, Picture, Question, paper
from leanvlm.benchmarks._canvas import FIELDS, TILE, Canvas

CONSONANTS, VOWELS, DIGITS = "BCDFGHJKLMNPQRSTVWXYZ", "AEIOU", "0123456789"


def value(rng: random.Random, lengths: tuple[int, int]) -> str:
    """Make up a pronounceable word or a number: reading it is the only way to know it."""
    length = rng.randint(*lengths)
    if rng.random() < 0.5:
        return "".join(rng.choice(DIGITS) for _ in range(length))
    start = rng.randint(0, 1)
    return "".join(rng.choice(CONSONANTS if (start + i) % 2 else VOWELS) for i in range(length))


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """A form on one page."""

    columns: int = TILE  # width of the page [patches]
    rows: int = 2 * TILE  # height of the page [patches]
    lines: tuple[int, int] = (2, 4)  # fewest and most lines on a page
    value_length: tuple[int, int] = (5, 6)  # characters of a value
    jitter: int = 1  # each line is moved by up to this much, both ways [pixels]

    kinds: ClassVar[tuple[str, ...]] = ("value",)

    def draw(self, rng: random.Random) -> Picture:
        """Draw a form and ask for the value of each of its keys."""
        page = Canvas(columns=self.columns, rows=self.rows, background=paper(rng))
        keys = rng.sample(FIELDS, rng.randint(*self.lines))
        values = {key: value(rng, self.value_length) for key in keys}
        places = {}
        for key, row in zip(keys, sorted(rng.sample(range(self.rows), len(keys))), strict=True):
            places[key] = write_field(page, key, values[key], row=row, jitter=self.jitter, rng=rng)
        questions = tuple(Question("value", f"what is the {k}?", (v,), "anls", places[k]) for k, v in values.items())
        return Picture((page,), questions)


def write_field(page: Canvas, key: str, text: str, *, row: int, jitter: int, rng: random.Random) -> tuple[float, float]:
    """Write `KEY:VALUE` somewhere in a row; return where the value's center lies, as shares of width and height."""
    shift = (rng.randint(-jitter, jitter), rng.randint(-jitter, jitter))
    column = rng.randint(0, page.columns - len(key) - 1 - len(text))
    page.field(key, text, column=column, row=row, shift=shift)
    return (column + len(key) + 1 + len(text) / 2) / page.columns, (row + 0.5) / page.rows
