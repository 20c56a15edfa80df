"""Your own questions: `local:PATH` names a file of rows, .jsonl, .parquet or .csv; questions.py says what a row is.

All rows are read, and held to what a row must be, before a model is asked one of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from leanvlm import grading
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.benchmarks._shown import shown
from leanvlm.errors import InputError
from leanvlm.grading.reachable import WANTED, Asked, refuse_unreachable
from leanvlm.rows import beside, cells, formats, held, lmms_log, spellings, turns
from leanvlm.rows.questions import Question, question
from leanvlm.sample import Sample
from leanvlm.texts import perhaps


@dataclass(frozen=True)
class LocalBenchmark(Benchmark):
    """The questions of one file; a picture that is named lies beside it or below it."""

    path: str  # of the file, from the root of the checkout
    rule: str = ""  # that grades rows without one of their own

    def __post_init__(self) -> None:
        """Refuse what is no file of rows, and a rule that is not there."""
        formats.refuse_other(Path(self.path))
        if self.rule and self.rule not in grading.rules():
            near = perhaps(self.rule, grading.rules())
            raise InputError(f"{self.path} has the rule {self.rule!r}{near}; the rules are "
                             f"{', '.join(grading.rules())}")  # fmt: skip

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield `n` questions, or all that there are, in an order that `seed` fixes; a conversation stays together.

        Raises: InputError as `check`, before any is yielded, and for a picture that cannot be shown.
        """
        talks = turns.together(self._questions(), self.path)
        random.Random(seed).shuffle(talks)
        return self._with_pictures([one for talk in talks for one in talk][:n])

    def check(self) -> None:
        """Read every row, and look for the pictures that it names.

        Raises: InputError naming the first row that is wrong.
        """
        turns.together(self._questions(), self.path)

    def files(self) -> list[Path]:
        """List the file and the pictures that its rows name."""
        path = Path(self.path)
        named = [path.parent / image for one in self._questions() for image in one.images if isinstance(image, str)]
        return [path, *dict.fromkeys(named)]

    def _questions(self) -> list[Question]:
        """Read all rows, yet without the pictures that Parquet holds."""
        rows = list(self._rows())
        if not rows:
            raise InputError(f"{self.path} has no rows; a row is a question with its answers")
        names = dict.fromkeys(name for _, row in rows for name in row)
        spellings.refuse_near([*names, *held.columns(Path(self.path))], self.path)
        lacking = dict.fromkeys(column for name in names if (column := spellings.column_of(name)))
        found = [self._question(number, lacking | spellings.known(row, self._place(number))) for number, row in rows]
        self._refuse_twice(found)
        self._refuse_unreachable(found)
        return found

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        path = Path(self.path)
        numbers = range(1, formats.count(path) + 1)
        for number, row in formats.read(path, numbers, columns=held.others(path)):
            if not isinstance(row, dict):
                raise InputError(f"{self._place(number)} is one {type(row).__name__}; a row is an object with "
                                 "question and answers")  # fmt: skip
            yield number, lmms_log.asked(row, self._place(number)) if lmms_log.is_logged(row) else row

    def _question(self, number: int, row: dict[str, Any]) -> Question:
        found = question(row, number, place=self._place(number), rule=self.rule)
        for image in found.images:
            if isinstance(image, str):
                beside.refuse_missing(Path(self.path), image, place=self._place(number))
        return found

    def _refuse_twice(self, found: Sequence[Question]) -> None:
        numbers: dict[str, int] = {}
        for one in found:
            name = one.sample.sample_id
            if (first := numbers.setdefault(name, one.number)) != one.number:
                raise InputError(f"{self._place(one.number)} has the sample_id {name!r} of row {first}; give each an "
                                 "id of its own")  # fmt: skip

    def _refuse_unreachable(self, found: Sequence[Question]) -> None:
        """Refuse a row whose rule calls its own answers wrong; those with options have been held to them."""
        asked = [
            Asked(self._place(one.number), one.sample.rule, one.sample.answers, one.sample.options)
            for one in found
            if one.sample.rule in WANTED and not one.sample.options
        ]
        if asked:
            with duckdb.connect() as connection:
                grading.load_macros(connection)
                refuse_unreachable(connection, asked)

    def _with_pictures(self, asked: Sequence[Question]) -> Iterator[Sample]:
        path = Path(self.path)
        later = {one.number for one in asked if one.sample.turn > 1}
        inside = held.read(path, {one.number for one in asked}, later=later)
        for one in asked:
            place = self._place(one.number)
            named = tuple(beside.content(path, image, place=place) for image in one.images)
            yield _with_images(one.sample, named or inside.get(one.number, ()), place)

    def _place(self, number: int) -> str:
        return f"{self.path} row {number}"


def _with_images(sample: Sample, images: tuple[bytes, ...], place: str) -> Sample:
    cells.refuse_misplaced(sample.question, len(images), place)
    found = shown(sample, images)
    try:
        found.pictures()
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    return found
