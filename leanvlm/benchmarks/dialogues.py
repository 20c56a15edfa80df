"""dialogues: several questions about one drawn page, one after the other in one conversation.

Source:  drawn by this project. After LLMC+ (2025, arXiv 2508.09981), which finds that dropping visual
         tokens costs most in dialogues of several turns: what the first question did not need, a later one may.
Grading: anls, as documents.
Knobs:   turns (questions a page), and those of documents. A kind is a turn: slices say what each costs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice

from leanvlm.benchmarks import documents
from leanvlm.benchmarks._benchmark import HELD_OUT_SEED, DrawnBenchmark, Picture, properties
from leanvlm.benchmarks._canvas import TILE
from leanvlm.errors import InputError
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """A form on one page, of which each turn asks another value."""

    turns: int = 3  # questions about a page
    columns: int = TILE  # width of the page [patches]
    rows: int = 2 * TILE  # height of the page [patches]
    lines: tuple[int, int] = (3, 4)  # fewest and most lines on a page
    value_length: tuple[int, int] = (5, 6)  # characters of a value
    jitter: int = 1  # each line is moved by up to this much, both ways [pixels]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name the turns."""
        return tuple(f"turn {turn}" for turn in range(1, self.turns + 1))

    def draw(self, rng: random.Random) -> Picture:
        """Draw a form and ask for the values of some of its keys, in any order.

        Raises: InputError where a page can have fewer lines than there are turns.
        """
        if not 1 <= self.turns <= min(self.lines):
            raise InputError(f"dialogues asks {self.turns} questions of pages with {min(self.lines)} lines; "
                             "let turns be from 1 to the fewest lines")  # fmt: skip
        page = documents.Benchmark(self.columns, self.rows, self.lines, self.value_length, self.jitter).draw(rng)
        asked = zip(self.kinds, rng.sample(page.questions, self.turns), strict=True)
        return replace(page, questions=tuple(replace(question, kind=kind) for kind, question in asked))

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield `n` turns, those of a page in order; the last page can be left before its last."""
        pages = (self._conversation(index, seed) for index in count())
        yield from islice((sample for turns in pages for sample in turns), n)

    def _conversation(self, index: int, seed: int) -> Iterator[Sample]:
        picture = self.draw(random.Random(HELD_OUT_SEED + seed * 1_000_000 + index))
        for turn, question in enumerate(picture.questions, start=1):
            yield Sample(
                sample_id=f"{index:05d}-{turn}",
                group_id=f"{index:05d}",
                turn=turn,
                kind=question.kind,
                images=tuple(canvas.image for canvas in picture.canvases) if turn == 1 else (),
                question=question.text,
                answers=question.answers,
                rule=question.rule,
                properties=properties(picture, question),
            )
