"""GQA: asks about objects in a photo, how they look and where they are.

Source:  Hudson and Manning 2019, arXiv 1902.09506; lmms-lab-encoder/GQA of the hub (lmms-lab/GQA until July 2026),
         whose questions and pictures are two configurations; mit by its card.
Grading: gqa, equality after punctuation and case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row, read_rows
from leanvlm.hub_sets.shards import Split
from leanvlm.hub_sets.stored_pictures import Place, stored
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """The balanced questions of testdev, about thirty a photo."""

    ids = ("lmms-lab-encoder/GQA", "lmms-lab/GQA")
    splits = (Split("testdev", "testdev_balanced_instructions/testdev", rows=12_578),)
    photos = Split("testdev", "testdev_balanced_images/testdev", rows=398)
    columns = ("id", "imageId", "question", "answer")
    prompt = "{question}\nAnswer the question using a single word or phrase."
    paper = today = Harness(max_new_tokens=16)

    @property
    def read_splits(self) -> tuple[Split, ...]:
        """The questions and, beside them, the photos."""
        return (self.asked_split, self.photos)

    def ask(self, row: Row) -> Sample:
        """Ask for a word."""
        return self.asked(
            sample_id=row.text("id"),
            group_id=row.text("imageId"),
            question=self.prompt.format(question=row.text("question")),
            answers=(row.text("answer"),),
            rule="gqa",
        )

    def pictures(self, rows: Sequence[Row]) -> Iterator[tuple[bytes, ...]]:
        """Find each question's photo by its id."""
        photos = {row.text("id"): row for row in read_rows(self.shards(self.photos), ["id"])}
        for row in rows:
            if row.text("imageId") not in photos:
                row.refuse("imageId", f"must be an id of {self.photos.pattern}")
        found = [photos[row.text("imageId")] for row in rows]
        return stored([Place(photo.path, photo.index, self.images) for photo in found])
