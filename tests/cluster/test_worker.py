"""What a worker does by itself: it refuses what would make a key lie, reads its own batch, and may do it twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm import files
from leanvlm.cluster import answers, turn
from leanvlm.cluster.answers import Place
from leanvlm.cluster.code import CODE, OtherWorker
from leanvlm.engine import worker
from leanvlm.engine.worker import batch_size, read_samples
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.params import Params, load
from leanvlm.pipeline import batches
from leanvlm.pipeline.cells import Cell, grid_cells
from leanvlm.pipeline.models import checkpoint
from leanvlm.tables.from_row import from_row
from tests import checkouts

LIMITS = {"limit": 6, "rows": 8}


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory, random_checkpoint: Path) -> Path:
    """A checkout with samples."""
    folder = tmp_path_factory.mktemp("sampled") / "checkout"
    checkouts.make(folder, random_checkpoint)
    checkouts.write_params(folder, checkouts.RECIPES[:2], n=20)
    assert checkouts.run(folder, "-m", "stages.samples").returncode == 0
    return folder


@pytest.fixture
def inside(sampled: Path) -> Iterator[Path]:
    """The checkout, without answers, in which the test runs; what a worker changes of its process is put back."""
    before = Path.cwd()
    os.chdir(sampled)
    turn.forget()
    yield sampled
    files.remove(files.CELLS)
    os.chdir(before)
    turn.forget()


@pytest.fixture
def params(inside: Path) -> Params:
    return load(files.PARAMS)


@pytest.fixture
def sweep(params: Params) -> list[Cell]:
    return [cell for cell in grid_cells(params) if cell.benchmark == "documents"]


def weights(cell: Cell) -> Checkpoint:
    return checkpoint(load(files.PARAMS), cell.model, cell.recipe)


def places(sweep: list[Cell]) -> list[Place]:
    return list(answers.lacking(sweep, weights(sweep[0]), size=batch_size(len(sweep), LIMITS["rows"])))


def lying(names: Iterable[str]) -> list[bytes]:
    return [(files.CELLS / name).read_bytes() for name in names]


def test_batches_are_cut_as_on_one_machine_and_hold_no_picture(sweep: list[Cell]) -> None:
    size = batch_size(len(sweep), LIMITS["rows"])
    whole = [
        Place(batch.first, tuple(sample.sample_id for sample in batch.samples), batch.cells, weights(sweep[0]))
        for batch in batches.lacking(sweep, read_samples("documents"), size=size)
    ]
    assert places(sweep) == whole
    assert len(whole) == 2


@pytest.mark.parametrize("first", [0, 1, 15, 16, 17, 39, 40])
def test_rows_from_a_place_on_are_the_end_of_all_rows(first: int, tmp_path: Path) -> None:
    rows = pa.table({"number": range(40), "other": range(40)})
    pq.write_table(rows, tmp_path / "rows.parquet", row_group_size=16, write_page_checksum=True)
    found = list(from_row(tmp_path / "rows.parquet", first, columns=["number"]))
    assert found == [{"number": number} for number in range(first, 40)]


def test_a_batch_and_a_cell_may_be_made_twice(params: Params, sweep: list[Cell]) -> None:
    job = turn.begin(params)
    for place in places(sweep):
        assert answers.answer(job, params, place, None) == len(place.ids)
    assert places(sweep) == [], "all batches are kept"
    parts = [entry.name for cell in sweep for entry in cell.storage.entries(cell.batches)]
    kept = lying(parts)
    again = Place(0, tuple(s.sample_id for s in read_samples("documents"))[:16], tuple(sweep), weights(sweep[0]))
    answers.answer(job, params, again, None)
    assert lying(parts) == kept
    assert [answers.join(job, cell) for cell in sweep] == [0, 0]
    made = lying(cell.file for cell in sweep)
    assert [answers.join(job, cell) for cell in sweep] == [0, 0]
    assert lying(cell.file for cell in sweep) == made


def test_other_code_is_refused_by_name(params: Params, sweep: list[Cell]) -> None:
    (name, _), *others = CODE
    job = replace(turn.begin(params), code=((name, "0123"), *others))
    with pytest.raises(OtherWorker, match=f"has leanvlm {CODE[0][1]} where this run has 0123"):
        answers.answer(job, params, places(sweep)[0], None)


def test_other_files_are_refused_by_name(params: Params, sweep: list[Cell]) -> None:
    asked = places(sweep)[0]
    path = files.samples("documents")
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    with pytest.raises(OtherWorker, match="sees other samples than this run"):
        answers.answer(turn.begin(params), params, asked, None)
    path.write_bytes(whole)
    assert not sweep[0].storage.entries(sweep[0].batches)


def test_a_folder_that_is_not_there_is_refused(params: Params, sweep: list[Cell]) -> None:
    job = replace(turn.begin(params), folder="/nowhere")
    with pytest.raises(OtherWorker, match="has no folder /nowhere"):
        answers.answer(job, params, places(sweep)[0], None)


def test_a_later_run_finds_nothing_of_an_earlier_one(params: Params) -> None:
    with turn.turn(job := turn.begin(params)):
        worker._held[object()] = object()  # type: ignore[index, assignment]
    with turn.turn(job):
        assert worker._held, "of the same run, a checkpoint is held"
    with turn.turn(turn.begin(params)):
        assert not worker._held
