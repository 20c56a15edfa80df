"""A benchmark whose data lie in a folder that somebody puts there; nothing is downloaded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.errors import InputError
from leanvlm.rows.formats import SUFFIXES
from leanvlm.rows.training import Rows
from leanvlm.sample import Sample


@dataclass(frozen=True)
class FolderBenchmark(Benchmark):
    """A subclass owes `samples`, a default for `folder` and how its data are obtained."""

    folder: str  # where the data lie, from the root of the checkout
    obtain: ClassVar[str]  # what to do about a missing folder, such as "unpack val.zip of example.org there"

    def missing(self) -> str | None:
        """Say that the folder does not exist, and how to get it."""
        if Path(self.folder).is_dir():
            return None
        return (
            f"the folder {self.folder!r} does not exist; {self.obtain}, "
            "or name another as its `folder` under `benchmarks:` in params.yaml"
        )

    def files(self) -> list[Path]:
        """List every file below the folder."""
        return sorted(path for path in Path(self.folder).rglob("*") if path.is_file())

    def training(self, n: int, *, rng: random.Random) -> Iterator[Sample]:
        """Yield rows of train.jsonl, train.parquet or train.csv in the folder; conversations.py says what a row is.

        Raises: InputError where there is neither, or as `Rows`.
        """
        return self.training_rows().training(n, rng=rng)

    def training_rows(self) -> Rows:
        """Find the file of rows to train on.

        Raises: InputError where there is none.
        """
        names = [f"train{suffix}" for suffix in SUFFIXES]
        for path in (Path(self.folder, name) for name in names):
            if path.is_file():
                return Rows(path)
        raise InputError(f"the folder {self.folder!r} has no split to train on; put one of {', '.join(names)} there")
