"""Cells of a bucket: sealed, set aside where they are damaged, and joined once whoever answers them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from leanvlm.engine.sweep import Answer
from leanvlm.errors import InputError, RunError
from leanvlm.pipeline import batches, seals
from leanvlm.pipeline.batches import Batch
from leanvlm.pipeline.cells import Cell
from leanvlm.pipeline.stored_cells import explain, not_stored, prune, stored, unused
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from leanvlm.storage._client import client
from leanvlm.storage.bucket import Bucket
from leanvlm.store.query import query
from leanvlm.store.stored_answers import stored_answers

N = 40


def samples(*places: int) -> tuple[Sample, ...]:
    return tuple(Sample(sample_id=f"{place:05d}", question="what?", turn=1) for place in places)


IDS = [sample.sample_id for sample in samples(*range(N))]


def made(bucket: Bucket, *recipes: str) -> list[Cell]:
    return [Cell("m", parse(text), "b", (("recipe", text), ("code", "1")), bucket) for text in recipes]


def answered(place: str) -> Answer:
    return Answer(f"said {place}", 2, "stop", 20, 9, 1, 9.0, 80, 80, 1.0, 1.0, 1.0, 1.0, None)


def keep(cells: list[Cell], *places: int) -> None:
    batch = Batch(places[0], samples(*places), tuple(cells))
    batches.keep(
        batch, ((cell.recipe.text, one.sample_id, answered(one.sample_id)) for cell in cells for one in batch.samples)
    )


def joined(cell: Cell) -> None:
    keep([cell], *range(N))
    batches.join(cell, IDS)


def overwrite(bucket: Bucket, name: str, content: bytes) -> None:
    client(bucket.endpoint, bucket.region).put_object(Bucket=bucket.bucket, Key=bucket.prefix + name, Body=content)


def content(bucket: Bucket, name: str) -> bytes:
    with bucket.reading(name) as path:
        return path.read_bytes()


DAMAGES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "truncated": lambda whole, _: whole[:-100],
    "empty": lambda *_: b"",
    "flipped": lambda whole, _: whole[:200] + bytes([whole[200] ^ 1]) + whole[201:],
    "another's": lambda _, other: other,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_object_is_set_aside_and_answered_again(bucket: Bucket, damage: str) -> None:
    cells = made(bucket, "controls/full", "controls/blind")
    for cell in cells:
        joined(cell)
    whole, other = (content(bucket, cell.file) for cell in cells)
    overwrite(bucket, cells[0].file, DAMAGES[damage](whole, other))
    [said] = list(seals.set_aside(cells))
    assert said.startswith(f"{cells[0].name}: the stored cell ")
    assert content(bucket, f"{cells[0].file}.set-aside") == DAMAGES[damage](whole, other)
    assert not_stored(cells) == cells[:1]
    joined(cells[0])
    assert content(bucket, cells[0].file) == whole
    assert list(seals.set_aside(cells)) == []


def test_a_cell_is_a_file_of_a_folder_to_the_byte(bucket: Bucket) -> None:
    [there] = made(bucket, "controls/full")
    here = Cell(there.model, there.recipe, there.benchmark, there.key_parts)
    assert (here.key, here.file) == (there.key, there.file)
    for cell in (here, there):
        joined(cell)
    assert content(bucket, there.file) == Path("artifacts/pool", here.file).read_bytes()
    assert list(stored(bucket)) == [there.file]


def test_machines_that_cut_other_batches_lose_nothing(bucket: Bucket) -> None:
    cells = made(bucket, "controls/full", "controls/blind")
    keep(cells[:1], *range(32))
    keep(cells, *range(16))
    keep(cells, *range(16, N))
    left = [batch.samples for batch in batches.lacking(cells, samples(*range(N + 3)), size=16)]
    assert left == [samples(*range(N, N + 3))]
    for cell in cells:
        assert batches.join(cell, IDS) == 0
        assert seals.read(cell)["sample_id"].to_pylist() == IDS
    assert sorted(stored(bucket)) == sorted(cell.file for cell in cells)


def test_a_cell_that_another_machine_joined_is_taken_as_it_is(bucket: Bucket) -> None:
    [cell] = made(bucket, "controls/full")
    joined(cell)
    keep([cell], *range(16, 32))  # ours came after its batches went
    assert batches.join(cell, IDS) == 0
    assert list(stored(bucket)) == [cell.file]


def test_batches_that_went_are_said_to_be_gone(bucket: Bucket) -> None:
    [cell] = made(bucket, "controls/full")
    keep([cell], *range(16))
    with pytest.raises(
        RunError, match=f"^{cell.name}: {N - 16} of its answers went before they were joined".replace("|", r"\|")
    ):
        batches.join(cell, IDS)


def test_a_run_deletes_none_of_another_grid_and_explains_its_own(bucket: Bucket) -> None:
    own, theirs = made(bucket, "controls/full", "controls/blind")
    joined(own)
    keep([theirs], *range(16))
    assert [entry.name for entry in unused(bucket, [own])] == [theirs.batches]
    assert prune(bucket, [own], keep=0) == 0
    assert set(stored(bucket)) == {own.file, theirs.batches}
    later = replace(own, key_parts=(("recipe", "controls/full"), ("code", "2")))
    assert explain(own) == f"{own.name}: stored as s3://{bucket.bucket}/runs/mine/cells/{own.file}"
    assert explain(theirs).startswith(f"{theirs.name}: answered in part, in s3://")
    assert explain(later) == f"{own.name}: answered before with other code"
    assert explain(made(bucket, "controls/pool@40%")[0]).endswith(": never answered")


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_sql_reads_what_is_stored_and_cannot_write(place: str, bucket: Bucket) -> None:
    cells = made(bucket, "controls/full", "controls/blind")
    if place == "folder":
        cells = [Cell(cell.model, cell.recipe, cell.benchmark, cell.key_parts) for cell in cells]
    with pytest.raises(InputError, match=r"^no cells are stored in "):
        stored_answers(cells[0].storage)
    for cell in cells:
        joined(cell)
    source = stored_answers(cells[0].storage)
    columns, rows = query(
        source, "select recipe, cell_key, count(*) as n, min(answer) from stored_answers group by all"
    )
    assert columns[:3] == ["recipe", "cell_key", "n"]
    assert sorted(rows) == sorted((cell.recipe.text, cell.key, N, "said 00000") for cell in cells)
    with pytest.raises(InputError, match=r"^the query cannot be answered: .*file system operations are disabled"):
        query(source, "from read_text('/etc/hostname')")
