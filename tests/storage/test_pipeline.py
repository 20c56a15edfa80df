"""The pipeline on a bucket: the same bytes as on a folder, and workers that share nothing but the bucket."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from leanvlm import files, hashes
from leanvlm.cluster import answers as cluster
from leanvlm.cluster import checkpoints, turn
from leanvlm.engine import worker
from leanvlm.errors import RunError
from leanvlm.params import Params, load
from leanvlm.params.machines import ObjectStore
from leanvlm.pipeline import batches, bring, clean
from leanvlm.pipeline.answers import write_tables
from leanvlm.pipeline.bring import answer_brought, bring_checkpoint, bring_samples
from leanvlm.pipeline.cells import Cell, by_sweep, grid_cells
from leanvlm.pipeline.compress import compress
from leanvlm.pipeline.models import checkpoint
from leanvlm.pipeline.record import record
from leanvlm.pipeline.share import share
from leanvlm.storage._client import client
from leanvlm.storage.bucket import Bucket
from leanvlm.tables import samples
from stages import calibration
from stages import samples as samples_stage
from tests.checkouts import RECIPES, ROOT, run, write_params
from tests.storage.server import way_to

BRING = """
import pickle, sys
from leanvlm.pipeline.bring import bring_checkpoint
print("ready", flush=True)
input()
print(bring_checkpoint(*pickle.loads(bytes.fromhex(sys.argv[1]))).folder)
"""


@pytest.fixture
def params(checkout: Path, block: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Params]:
    """A grid whose cells lie in a bucket, in a checkout with samples."""
    write_params(checkout, RECIPES[:2], storage=json.dumps(vars(block)))
    monkeypatch.chdir(checkout)
    forget()
    samples_stage.main()
    yield load(files.PARAMS)
    forget()


def forget() -> None:
    for remembered in (hashes.file_hash, hashes.folder_hash, bring.bring_folder, bring._file):  # by relative paths
        remembered.cache_clear()


def answer(params: Params, cells: Sequence[Cell]) -> None:
    """Do what the flow does, in this process."""
    share(params, cells)
    for group in by_sweep(params, cells):
        weights, asked = checkpoint(params, group[0].model, group[0].recipe), worker.read_samples(group[0].benchmark)
        sizes = {"limit": params.answer.max_new_tokens, "rows": params.answer.rows}
        for batch in batches.lacking(group, asked, size=2):
            recipes = [cell.recipe.text for cell in batch.cells]
            batches.keep(batch, answer_brought(batch.cells[0], weights, batch.samples, recipes, **sizes))
        for cell in group:
            batches.join(cell, worker.sample_ids(cell.benchmark))


def content(bucket: Bucket, name: str) -> bytes:
    with bucket.reading(name) as path:
        return path.read_bytes()


def tables(params: Params, cells: Sequence[Cell]) -> dict[str, bytes]:
    write_tables(params, cells)
    return {name: files.table(name).read_bytes() for name in ("answers", "cells", "parts", "skips")}


def test_a_bucket_has_the_bytes_of_the_folder_and_a_run_finds_them(params: Params, bucket: Bucket) -> None:
    here, there = grid_cells(replace(params, storage=None)), grid_cells(params)
    for cells in (here, there):
        answer(params, cells)
    assert {entry.name for entry in bucket.entries()} == {cell.file for cell in there}
    for cell in there:
        assert content(bucket, cell.file) == (files.CELLS / cell.file).read_bytes()
    wanted = tables(params, here)
    assert tables(params, there) == wanted

    damaged = content(bucket, there[0].file)[:-50]
    key = {"Bucket": bucket.bucket, "Key": bucket.prefix + there[0].file}
    client(bucket.endpoint, bucket.region).put_object(**key, Body=damaged)
    done = run(Path(), "stages/answer.py")  # its processes' way there is the pool's
    assert done.returncode == 0, done.stderr[-2000:]
    assert "the stored cell is damaged" in done.stdout
    assert done.stdout.splitlines()[-1] == "answers: 4 cells, 1 answered now, 0 old ones deleted"
    assert {name: files.table(name).read_bytes() for name in wanted} == wanted

    fewer = replace(params, grid=replace(params.grid, benchmarks=("documents",)))
    old = clean._cells(fewer)
    assert old.n == 2
    clean.delete([old])
    assert {entry.name for entry in bucket.entries() if entry.name.endswith(".parquet")} == {
        cell.file for cell in there if cell.benchmark == "documents"
    }


def test_a_worker_elsewhere_brings_what_it_needs_once(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = grid_cells(params)[0]
    weights = checkpoint(params, cell.model, cell.recipe)
    asked = list(worker.read_samples(cell.benchmark))
    sizes = {"limit": params.answer.max_new_tokens, "rows": params.answer.rows}
    wanted = answer_brought(cell, weights, asked, [cell.recipe.text], **sizes)
    rows = samples.TABLE.read(files.samples(cell.benchmark))
    share(params, [cell])
    share(params, [cell])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    forget()
    with way_to(cell.storage.endpoint) as way:
        way.seconds = 0.01
        far = replace(cell, storage=replace(cell.storage, endpoint=way.url))
        said = at_once([sys.executable, "-c", BRING, pickle.dumps((far, weights)).hex()])
        names = [line.split()[1].rpartition(b"/")[2] for line in way.asked if line.startswith(b"GET")]
    assert said == {str(files.BROUGHT / dict(cell.key_parts)["weights"])}
    assert len(names) == len(set(names)) == 1 + len(hashes.listing(Path(said.pop())))
    assert answer_brought(cell, weights, asked, [cell.recipe.text], **sizes) == wanted
    assert samples.TABLE.read(bring_samples(cell)).equals(rows)


def test_a_worker_of_a_cluster_needs_nothing_but_the_bucket(
    params: Params, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, there = Path.cwd(), grid_cells(params)
    answer(params, grid_cells(replace(params, storage=None)))
    share(params, there)
    asked = [
        place
        for group in by_sweep(params, there)
        for place in cluster.lacking(group, checkpoint(params, group[0].model, group[0].recipe), size=2)
    ]
    (tmp_path / "elsewhere").mkdir()
    job = replace(turn.begin(params), folder=str(tmp_path / "elsewhere"))
    monkeypatch.chdir(job.folder)
    assert sum(cluster.answer(job, params, place, None) for place in asked) == sum(len(place.ids) for place in asked)
    assert [cluster.join(job, cell) for cell in there] == [0] * len(there)
    for cell in there:
        assert content(bucket, cell.file) == (checkout / files.CELLS / cell.file).read_bytes()


def test_a_checkpoint_of_a_worker_elsewhere_is_brought_from_the_bucket_alone(
    block: ObjectStore, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte of what this machine makes, by the flow's machine and by another worker; a third checkout's stays."""
    checkout, name = Path.cwd(), ("embedded", "weights-wanda-50")
    write_params(checkout, ("controls/full", "weights/wanda@50%"), storage=json.dumps(vars(block)))
    params = load(files.PARAMS)
    calibration.main()
    record(params, "embedded")
    compress(params, *name)
    wanted = bytes_of(files.checkpoint(*name))
    files.remove(files.checkpoint(*name))
    files.remove(files.costs(*name))
    needed = checkpoints.share(params, "embedded")

    theirs = tmp_path / "elsewhere" / files.checkpoint(*name) / "config.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    job = replace(turn.begin(params), folder=str(tmp_path / "elsewhere"))
    made = checkpoints.make(job, params, needed, *name)
    assert made is not None
    assert bytes_of(theirs.parent) == {"config.json": b"theirs"}
    assert not [path for path in files.BROUGHT.iterdir() if path.name.endswith(".part")]

    monkeypatch.chdir(checkout)
    forget()
    checkpoints.bring(made, *name)
    assert bytes_of(files.checkpoint(*name)) == wanted
    assert json.loads(files.costs(*name).read_text()).keys() == {"calibration_samples", "seconds", "peak_bytes"}
    [cell, *_] = [one for one in grid_cells(params) if one.recipe.acts_on == "weights"]
    weights = checkpoint(params, cell.model, cell.recipe)
    (tmp_path / "another").mkdir()
    monkeypatch.chdir(tmp_path / "another")
    forget()
    brought = bytes_of(bring_checkpoint(cell, weights).folder)
    assert brought == {name: content for name, content in wanted.items() if name != files.AUDIT}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def at_once(command: list[str]) -> set[str]:
    """Run a command in two processes, which begin together once both have imported what they need."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    assert [one.stdout.readline() for one in both] == ["ready\n"] * 2
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    return {one.communicate()[0].strip() for one in both}


@pytest.mark.parametrize("what", ["weights", "samples"])
def test_what_was_altered_in_the_bucket_is_set_aside_and_put_again(
    what: str, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = grid_cells(params)[0]
    weights = checkpoint(params, cell.model, cell.recipe)
    share(params, [cell])
    inputs = cell.storage.inputs
    assert inputs is not None
    hashed = (
        dict(cell.key_parts)["samples"] if what == "samples" else hashes.listing(weights.folder)["model.safetensors"][1]
    )
    altered = bytearray(content(inputs, hashed))
    altered[len(altered) // 2] ^= 1
    client(inputs.endpoint, inputs.region).put_object(
        Bucket=inputs.bucket, Key=inputs.prefix + hashed, Body=bytes(altered)
    )
    checkout = Path.cwd()

    def brought() -> Path:
        forget()
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "elsewhere")
        return bring_samples(cell) if what == "samples" else bring_checkpoint(cell, weights).folder

    with pytest.raises(
        RunError, match=rf"{hashed} was altered after it was put; it is now {hashed}.set-aside: run again"
    ):
        brought()
    assert not [path for path in files.BROUGHT.iterdir() if not path.name.endswith(".lock")]
    monkeypatch.chdir(checkout)
    forget()
    share(params, [cell])
    assert brought().exists()
