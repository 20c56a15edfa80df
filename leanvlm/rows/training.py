"""A file of rows to train on: some are chosen by a seed, and only those are read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leanvlm.errors import InputError
from leanvlm.rows import beside, formats
from leanvlm.rows.conversations import COLUMNS, Conversation, conversation
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Rows:
    """Rows of pictures, a question and its answer each; a picture that is named lies beside the file or below it."""

    path: Path

    def training(self, n: int, *, rng: random.Random) -> Iterator[Sample]:
        """Yield `n` rows, each once, in an order that `rng` fixes; fewer are a prefix of more.

        Raises: InputError for a file without so many rows, and for a chosen row that cannot be used, with its number.
        """
        for number, row in self._chosen(n, rng):
            place = f"{self.path} row {number}"
            images = tuple(beside.content(self.path, image, place=place) for image in row.images)
            sample = Sample(sample_id=f"row-{number:05d}", question=row.question, answers=(row.answer,), images=images)
            try:
                sample.pictures()
            except InputError as error:
                raise InputError(f"{self.path}: {error}") from None
            yield sample

    def read_for(self, n: int, *, rng: random.Random) -> list[Path]:
        """List the files that `training` reads: this one, and those of the chosen rows' pictures."""
        named = [
            beside.find(self.path, image, place=f"{self.path} row {number}")
            for number, row in self._chosen(n, rng)
            for image in row.images
            if isinstance(image, str)
        ]
        return [self.path, *dict.fromkeys(named)]

    def _chosen(self, n: int, rng: random.Random) -> Iterator[tuple[int, Conversation]]:
        """Yield the chosen rows with their numbers, which count from 1."""
        order = list(range(1, formats.count(self.path) + 1))
        if len(order) < n:
            raise InputError(f"{self.path} has {len(order)} rows and {n} are asked of it; add some, or ask for fewer")
        rng.shuffle(order)
        found = dict(formats.read(self.path, set(order[:n]), columns=COLUMNS))
        for number in order[:n]:
            yield number, conversation(found[number], f"{self.path} row {number}")
