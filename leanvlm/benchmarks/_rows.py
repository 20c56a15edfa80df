"""A file of rows to train on, .jsonl or .parquet: some are chosen by a seed, and only those are read."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leanvlm import files
from leanvlm.benchmarks._conversations import COLUMNS, Conversation, conversation
from leanvlm.errors import InputError
from leanvlm.sample import Sample

SUFFIXES = (".jsonl", ".parquet")


@dataclass(frozen=True)
class Rows:
    """Rows of pictures, a question and its answer each; a picture that is named lies beside the file or below it."""

    path: Path

    def training(self, n: int, *, rng: random.Random) -> Iterator[Sample]:
        """Yield `n` rows, each once, in an order that `rng` fixes; fewer are a prefix of more.

        Raises: InputError for a file without so many rows, and for a chosen row that cannot be used, with its number.
        """
        for number, row in self._chosen(n, rng):
            images = tuple(self._bytes(number, image) for image in row.images)
            sample = Sample(sample_id=f"row-{number:05d}", question=row.question, answers=(row.answer,), images=images)
            try:
                sample.pictures()
            except InputError as error:
                raise InputError(f"{self.path}: {error}") from None
            yield sample

    def read_for(self, n: int, *, rng: random.Random) -> list[Path]:
        """List the files that `training` reads: this one, and those of the chosen rows' pictures."""
        named = [image for _, row in self._chosen(n, rng) for image in row.images if isinstance(image, str)]
        return [self.path, *(self.path.parent / name for name in dict.fromkeys(named))]

    def _chosen(self, n: int, rng: random.Random) -> Iterator[tuple[int, Conversation]]:
        """Yield the chosen rows with their numbers, which count from 1."""
        if not self.path.is_file():
            raise InputError(f"there is no file {str(self.path)!r}; name one whose rows are to be trained on")
        try:
            count, read = (_count_lines, _lines) if self.path.suffix == ".jsonl" else (_count_rows, _rows)
            order = list(range(1, count(self.path) + 1))
            if len(order) < n:
                raise InputError(
                    f"{self.path} has {len(order)} rows and {n} are asked of it; add some, or ask for fewer"
                )
            rng.shuffle(order)
            found = dict(read(self.path, set(order[:n])))
        except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: also text that is no UTF-8
            reason = " ".join(str(error).split())[:80].rstrip(".")
            raise InputError(f"{self.path} cannot be read ({reason}); name a file of rows that can") from None
        for number in order[:n]:
            yield number, conversation(found[number], f"{self.path} row {number}")

    def _bytes(self, number: int, image: str | bytes) -> bytes:
        if isinstance(image, bytes):
            return image
        try:
            return files.content(self.path.parent / image)
        except InputError as error:
            raise InputError(f"{self.path} row {number}: its picture {image!r} {error}") from None


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(bool(line.strip()) for line in file)


def _lines(path: Path, numbers: Collection[int]) -> Iterator[tuple[int, Any]]:
    """Yield some of the lines that are not blank, which alone are counted."""
    with path.open("rb") as file:
        for number, line in enumerate((line for line in file if line.strip()), start=1):
            if number in numbers:
                yield number, _value(line, f"{path} row {number}")


def _value(line: bytes, place: str) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError: also what is no UTF-8
        raise InputError(f"{place} is not JSON ({str(error)[:80]}); a row is one object on one line") from None


def _count_rows(path: Path) -> int:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return int(file.metadata.num_rows)


def _rows(path: Path, numbers: Collection[int]) -> Iterator[tuple[int, Any]]:
    """Yield some of the rows; a row group that has none of them is not read, since pictures are large."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        columns = [name for name in file.schema_arrow.names if name in COLUMNS]
        start = 1
        for index in range(file.num_row_groups):
            n = file.metadata.row_group(index).num_rows
            wanted = [number for number in range(start, start + n) if number in numbers]
            if wanted:
                group = file.read_row_group(index, columns=columns)
                yield from ((number, group.slice(number - start, 1).to_pylist()[0]) for number in wanted)
            start += n
