"""prepared: an example of a benchmark whose data lie in a folder, as a test copies it into leanvlm/benchmarks.

Source:  drawn by the test: samples.jsonl, one object a line with id, question, answer and the name of a picture.
Grading: exact.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from leanvlm.benchmarks._folder import FolderBenchmark
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(FolderBenchmark):
    """Questions of a JSON-lines file about pictures beside it."""

    folder: str = "data/prepared"
    longest: int = 100  # questions with more characters are left out

    obtain = "write samples.jsonl and its pictures there"

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield `n` questions, or all that there are, in an order that `seed` fixes."""
        folder = Path(self.folder)
        lines = (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if len(row["question"]) <= self.longest]
        random.Random(seed).shuffle(rows)
        for row in rows[:n]:
            yield Sample(
                sample_id=row["id"],
                group_id=row["image"],
                kind="question",
                images=(Image.open(folder / row["image"]).convert("RGB"),),
                question=row["question"],
                answers=(row["answer"],),
                rule="exact",
            )
