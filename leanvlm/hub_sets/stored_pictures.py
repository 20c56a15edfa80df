"""Pictures of chosen rows, read in the files' order and given in another, while memory holds a few rows.

A row group without a chosen row is not read. What was read waits in a temporary Arrow file, a record batch a row, which
is mapped into memory and has no name any more by the time that the first picture is given: nobody has to clean up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from leanvlm.errors import InputError
from leanvlm.hub_sets.parquet_rows import opened, refuse_lacking

STORED = pa.schema([("images", pa.list_(pa.binary()))])
AT_ONCE = 8  # rows that are decoded together


@dataclass(frozen=True)
class Place:
    """Where a row's pictures lie: a file, a row of it that counts from 0, and columns in the order shown."""

    path: Path
    index: int
    columns: tuple[str, ...]
    may_be_null: bool = False


def stored(places: Sequence[Place]) -> Iterator[tuple[bytes, ...]]:
    """Yield the picture files at each place, as they are stored, in the order of the places.

    Raises: InputError where a file is damaged or lacks a column, and naming the row that has no picture.
    """
    once = list(dict.fromkeys(places))
    with TemporaryDirectory(prefix="leanvlm-pictures-") as folder:
        spool = Path(folder, "pictures.arrow")
        batch_of = _write(spool, once)
        mapped = pa.memory_map(str(spool))  # stays readable when its name is gone, and goes with the process
    with mapped, pa.ipc.open_file(mapped) as reader:
        for place in places:
            yield tuple(reader.get_batch(batch_of[place]).column(0)[0].as_py())


def _write(spool: Path, places: Sequence[Place]) -> dict[Place, int]:
    """Write one record batch a place; return which is whose."""
    wanted: dict[Path, dict[int, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for place in places:
        wanted[place.path][place.index].append(place)
    batch_of = dict[Place, int]()
    with pa.ipc.new_file(spool, STORED) as writer:
        for path, rows in wanted.items():
            for place, images in _read(path, rows):
                writer.write_batch(pa.record_batch([pa.array([images], STORED.field(0).type)], schema=STORED))
                batch_of[place] = len(batch_of)
    return batch_of


def _read(path: Path, rows: dict[int, list[Place]]) -> Iterator[tuple[Place, list[bytes]]]:
    columns = list(dict.fromkeys(name for places in rows.values() for place in places for name in place.columns))
    with opened(path) as file:
        refuse_lacking(file, columns, path)
        end = 0
        for group in range(file.num_row_groups):
            start, end = end, end + file.metadata.row_group(group).num_rows
            if not any(start <= index < end for index in rows):
                continue
            for batch in file.iter_batches(AT_ONCE, row_groups=[group], columns=columns, use_threads=False):
                for index in range(batch.num_rows):
                    for place in rows.get(start + index, ()):
                        yield place, _images(batch, index, place)
                start += batch.num_rows


def _images(batch: pa.RecordBatch, index: int, place: Place) -> list[bytes]:
    found = []
    for column in place.columns:
        value = batch.column(column)[index].as_py()
        image = value.get("bytes") if isinstance(value, dict) else value  # as `datasets` writes one, or plain
        if isinstance(image, bytes) and image:
            found.append(image)
        elif value is not None or not place.may_be_null:
            held = "null" if value is None else f"one {type(value).__name__} without a picture's bytes"
            raise InputError(
                f"{place.path.name} row {place.index}: its {column} is {held}; fetch the file again: {place.path}"
            )
    return found
