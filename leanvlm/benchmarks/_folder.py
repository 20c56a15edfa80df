"""A benchmark whose data lie in a folder that somebody puts there; nothing is downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from leanvlm.benchmarks._benchmark import Benchmark


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
