"""Read a table's file from a row on: row groups that end before it are passed over, whatever they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from leanvlm.tables._parquet import STREAMED, opened


def from_row(path: Path, first: int, *, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield some columns of the rows from `first` on, counted from 0; no more than a row group is in memory.

    Raises: InputError where the file is missing or damaged.
    """
    with opened(path) as file:
        ends = list(accumulate(file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)))
        groups = [n for n, end in enumerate(ends) if end > first]
        n_before = ends[groups[0] - 1] if groups and groups[0] else 0
        found = file.iter_batches(batch_size=STREAMED, row_groups=groups, columns=list(columns))
        yield from islice((row for rows in found for row in rows.to_pylist()), first - n_before, None)
