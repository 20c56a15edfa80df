"""Pictures are read in the files' order and given in another, a few at a time, and no row group is read in vain."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm.errors import InputError
from leanvlm.hub_sets.stored_pictures import AT_ONCE, Place, stored

N_ROWS, N_BYTES = 256, 200_000


def contents(row: int) -> bytes:
    return random.Random(row).randbytes(N_BYTES)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """51 MB of pictures in two row groups."""
    path = tmp_path_factory.mktemp("pictures") / "large.parquet"
    schema = pa.schema([("image", pa.binary()), ("other", pa.int64())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False, data_page_size=N_BYTES) as writer:
        for group in range(2):
            rows = range(group * N_ROWS // 2, (group + 1) * N_ROWS // 2)
            table = pa.Table.from_pydict({"image": map(contents, rows), "other": list(rows)}, schema=schema)
            writer.write_table(table)
    return path


def test_they_come_in_the_order_asked_while_memory_holds_a_few(file: Path) -> None:
    order = random.Random(0).sample(range(N_ROWS), N_ROWS)
    before, peak = pa.total_allocated_bytes(), 0
    for row, images in zip(order, stored([Place(file, row, ("image",)) for row in order]), strict=True):
        assert images == (contents(row),)
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert peak < 2 * AT_ONCE * N_BYTES < N_ROWS * N_BYTES / 10


def test_a_place_can_be_asked_twice(file: Path) -> None:
    first, second = (Place(file, row, ("image",)) for row in (3, 200))
    assert list(stored([second, first, second])) == [(contents(200),), (contents(3),), (contents(200),)]


def test_a_row_group_of_which_nothing_is_asked_is_not_read(file: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.parquet"
    whole = file.read_bytes()
    start = pq.read_metadata(file).row_group(1).column(0).data_page_offset
    damaged.write_bytes(whole[:start] + b"\xff" * 64 + whole[start + 64 :])
    assert list(stored([Place(damaged, 5, ("image",))])) == [(contents(5),)]
    with pytest.raises(InputError, match=r"damaged\.parquet cannot be read"):
        list(stored([Place(damaged, N_ROWS - 1, ("image",))]))
