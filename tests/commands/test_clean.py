"""`leanvlm clean` deletes what it said, once asked to, and nothing that a person or a run needs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from leanvlm import files, params
from leanvlm.pipeline import clean as clean_up
from leanvlm.pipeline.cells import grid_cells
from leanvlm.processes.lock import held
from tests import checkouts
from tests.checkouts import run, write_params
from tests.in_process import inside, leanvlm

FETCH = """
from pathlib import Path
Path("artifacts/sources").mkdir(exist_ok=True)
for name in ("sources/embedded.json", "calibration_files.json", "benchmark_files.json"):
    Path("artifacts", name).write_text(name)
"""
CHECKPOINTS = Path("artifacts/checkpoints/embedded")
OBJECT = Path(".dvc/cache/files/md5/ab/cdef0123456789abcdef0123456789")
DEAD, ALIVE = 2**22 + 1, os.getpid()  # no process has a number above 2**22
KINDS = ("checkpoints", "cells", "copies", "runs", "leftovers", "DVC's cache")
OVER, WAITING = Path("runs/over.yaml"), Path("runs/waiting.yaml")


def put(path: Path, size: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, random_checkpoint: Path) -> Path:
    """A checkout with things of every kind, needed and not; it is slow to make, so once."""
    checkout = tmp_path_factory.mktemp("made") / "checkout"
    checkouts.make(checkout, random_checkpoint)
    write_params(checkout, ("controls/full", "weights/wanda@50%"), n=1)
    (checkout / "stages/fetch.py").write_text(FETCH)
    assert run(checkout, "-m", "dvc", "repro", "samples").returncode == 0
    for name in ("weights-wanda-50", "weights-wanda-40"):
        put(checkout / CHECKPOINTS / name / "audit.json")
    put(checkout / CHECKPOINTS / "weights-wanda-40/model.safetensors", 3_000_000)
    put(checkout / "artifacts/costs/embedded/weights-wanda-40.json")
    put(checkout / CHECKPOINTS / "notes/mine.txt")
    put(checkout / OBJECT, 2_000_000)
    for pid in (DEAD, ALIVE):
        put(checkout / f"data/.samples.{pid}.part/half")
    put(checkout / OVER, 500)
    with inside(checkout):
        for cell in grid_cells(params.load(files.PARAMS)):
            put(files.CELLS / cell.file)
            put((files.CELLS / cell.file).with_name("documents-0123456789abcdef.parquet"))
    return checkout


@pytest.fixture
def used(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(made, tmp_path / "checkout", symlinks=True)


def clean(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return leanvlm(folder, "clean", "--format", "json", *arguments)


def listed(folder: Path, *arguments: str) -> dict[str, tuple[int, float]]:
    done = clean(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return {row["what"]: (row["n"], float(row["GB"])) for row in json.loads(done.stdout)}


def files_of(folder: Path) -> set[Path]:
    """List all but what DVC and a run note of themselves."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or path.is_symlink()}
    return {path for path in found if not {"tmp", ".site", ".git", "__pycache__"} & set(path.parts)}


def test_it_says_what_it_then_deletes(used: Path) -> None:
    before = files_of(used)
    told = listed(used)
    assert {kind: told[kind][0] for kind in KINDS} == dict(zip(KINDS, (2, 2, 0, 1, 1, 1), strict=True))
    assert [told[kind][1] for kind in ("checkpoints", "DVC's cache")] == [0.003, 0.002]
    assert files_of(used) == before
    assert listed(used, "--yes") == told
    gone = before - files_of(used)
    assert {path.name for path in gone} == {
        *("audit.json", "model.safetensors", "weights-wanda-40.json", "half", OBJECT.name, OVER.name),
        "documents-0123456789abcdef.parquet",
    }
    assert f"data/.samples.{ALIVE}.part" not in {path.parent.as_posix() for path in gone}
    assert set(listed(used).values()) == {(0, 0.0)}


def test_what_a_person_needs_stays(used: Path, tmp_path: Path) -> None:
    mine = put(tmp_path / "mine/audit.json").parent
    (used / CHECKPOINTS / "weights-wanda-30").symlink_to(mine)
    (used / "artifacts/checkpoints/linked").symlink_to(tmp_path)
    params = used / "params.yaml"
    params.write_text(
        params.read_text().replace(
            "models:\n  emb", f"models:\n  own: {{checkpoint: {CHECKPOINTS}/weights-wanda-40}}\n  emb"
        )
    )
    assert clean(used, "--yes").returncode == 0
    assert (used / CHECKPOINTS / "weights-wanda-40/model.safetensors").is_file(), "params.yaml names it as a model"
    assert (mine / "audit.json").is_file()
    assert not (used / CHECKPOINTS / "weights-wanda-30").is_symlink(), "the link is ours, what it leads to is not"


def test_what_a_run_of_the_ui_laid_stays_while_it_waits_for_its_turn(used: Path) -> None:
    """And where it takes a file up again between the list and the deletion, as a run does that is started once more."""
    found = [put(used / WAITING), put(used / OVER)]
    with inside(used):
        with held(WAITING):
            before = clean_up._overlays()
            assert before.paths == (OVER,)
            with held(OVER):
                clean_up.delete([before])
                assert all(path.is_file() for path in found)
            assert clean(used, "--yes").returncode == 0
            assert [path.is_file() for path in found] == [True, False]
        clean_up.delete([clean_up._overlays()])
    assert not any(path.is_file() for path in found)


def test_cells_are_kept_while_a_checkpoint_is_not_made(used: Path) -> None:
    (used / CHECKPOINTS / "weights-wanda-50/audit.json").unlink()
    (used / CHECKPOINTS / "weights-wanda-50").rmdir()
    done = clean(used, "--yes")
    assert "all are kept, since artifacts/checkpoints/embedded/weights-wanda-50 is not made yet" in done.stdout
    assert len(list((used / "artifacts/pool").rglob("*.parquet"))) == 6


def test_nothing_is_looked_at_while_a_run_holds_the_checkout(used: Path) -> None:
    with (used / ".dvc/tmp/leanvlm.run").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = clean(used, "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is already running in this checkout" in done.stderr
    assert (used / OBJECT).is_file()
