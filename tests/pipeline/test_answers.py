"""The answers stage: what is stored is reused, what is missing is run, what is wrong is said."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stages import grade, judge
from tests import checkouts
from tests.checkouts import run, write_params
from tests.in_process import call, draw_samples, leanvlm
from tests.pipeline.test_endings import nothing_is_left, started

SNAPKV = "cache/snapkv@10%"
RECIPES = (
    "controls/full",
    "controls/downsample@10%",
    "controls/random_tokens@10%",
    "controls/random_cache@10%",
    SNAPKV,
)
FEW = ("controls/full", SNAPKV)


def answered(folder: Path, server: str | None = None) -> str:
    done = run(folder, "stages/answer.py", server=server)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Error logging to API" not in done.stderr  # Prefect's threads were done before their server went
    return done.stdout.splitlines()[-1]


def rows_of(folder: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(folder / "artifacts/answers.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, random_checkpoint: Path) -> Path:
    """A checkout whose grid is answered; that takes long, so it is done once."""
    folder = tmp_path_factory.mktemp("made") / "checkout"
    checkouts.make(folder, random_checkpoint)
    write_params(folder, RECIPES)
    draw_samples(folder)
    assert answered(folder) == "answers: 10 cells, 10 answered now, 0 old ones deleted"
    return folder


@pytest.fixture
def stored(made: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(made, tmp_path / "stored")


@pytest.fixture
def sampled(checkout: Path) -> Path:
    """A checkout with samples, of whose grid nothing is answered."""
    write_params(checkout, FEW)
    draw_samples(checkout)
    return checkout


def test_only_missing_cells_run_and_reverting_runs_none(stored: Path, server: str) -> None:
    before = (stored / "artifacts/answers.parquet").read_bytes()
    write_params(stored, (*RECIPES, "controls/blind"))
    assert answered(stored, server) == "answers: 12 cells, 2 answered now, 0 old ones deleted"
    write_params(stored, RECIPES)
    assert answered(stored, server) == "answers: 10 cells, 0 answered now, 0 old ones deleted"
    assert (stored / "artifacts/answers.parquet").read_bytes() == before
    why = leanvlm(stored, "explain", "controls/full", "documents").stdout
    assert "stored as" in why


def test_a_cell_whose_seal_is_broken_is_set_aside_by_name_and_answered_again(stored: Path, server: str) -> None:
    table = (stored / "artifacts/answers.parquet").read_bytes()
    cut, edited, relabelled, swapped, *_, other = sorted((stored / "artifacts/pool").rglob("*.parquet"))
    cut.write_bytes(cut.read_bytes()[:-100])
    rows = pq.read_table(edited)
    said = [["no", *rows["answer"].to_pylist()[1:]]]
    place = rows.column_names.index("answer")
    pq.write_table(rows.set_column(place, rows.schema.field("answer"), said), edited)
    rows = pq.read_table(relabelled)
    pq.write_table(rows.replace_schema_metadata(dict(rows.schema.metadata) | {b"leanvlm.parts": b"[]"}), relabelled)
    swapped.write_bytes(other.read_bytes())
    done = run(stored, "stages/answer.py", server=server)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if "the stored cell" in line]
    for cell, reason in (
        (cut, "is damaged"),
        (edited, "was altered after"),
        (relabelled, "was altered after"),
        (swapped, "was made of other inputs"),
    ):
        assert [line for line in told if f"the stored cell {reason}" in line and f"{cell.name}.set-aside" in line]
    assert len(told) == 4
    assert "answers: 10 cells, 4 answered now" in done.stdout
    assert (stored / "artifacts/answers.parquet").read_bytes() == table


def spoil(folder: Path, n: int) -> Path:
    """Put a placeholder of which nobody knows what it stands for into the first questions of a benchmark."""
    path = sorted((folder / "data/samples").glob("*.parquet"))[0]
    asked = pq.read_table(path)
    questions = asked["question"].to_pylist()
    questions[:n] = ["<image> <image> what is it?"] * n
    field = asked.schema.field("question")
    pq.write_table(asked.set_column(asked.column_names.index("question"), field, [questions]), path)
    return path


def test_a_sample_that_is_refused_is_a_row_that_is_seen_and_the_sweep_goes_on(sampled: Path, server: str) -> None:
    path = spoil(sampled, 1)
    done = run(sampled, "stages/answer.py", server=server)
    assert done.returncode == 0, done.stderr
    assert f"{path.stem}: 1 samples were refused and count as wrong" in done.stdout
    refused = [row for row in rows_of(sampled) if row["refusal"] is not None]
    assert [(row["benchmark"], row["finish_reason"], row["answer"], row["prompt_tokens"]) for row in refused] == [
        (path.stem, "refused", "", 0)
    ] * 2
    assert "sample '00000'" in str(refused[0]["refusal"])
    assert "<image>" in str(refused[0]["refusal"])
    for stage in (judge, grade):
        assert call(sampled, stage.main).returncode == 0
    grades = pq.read_table(sampled / "artifacts/grades.parquet").to_pylist()
    assert {row["grade"] for row in grades if row["benchmark"] == path.stem and row["sample_id"] == "00000"} == {0.0}


def test_a_model_that_refuses_every_sample_is_one_sentence_and_the_other_sweeps_are_kept(
    sampled: Path, server: str
) -> None:
    path = spoil(sampled, 3)
    done = run(sampled, "stages/answer.py", server=server)
    assert done.returncode == 2
    assert f"{path.stem}: every sample was refused; sample '00000'" in done.stderr
    assert "Traceback" not in done.stderr
    kept = {cell.name.partition("-")[0] for cell in (sampled / "artifacts/pool").rglob("*.parquet")}
    assert kept
    assert path.stem not in kept


def test_a_kill_loses_no_batch_that_is_kept_and_one_that_is_altered_is_answered_again(checkout: Path) -> None:
    write_params(checkout, RECIPES[:3], n=40)
    draw_samples(checkout)
    stage = started(checkout, "stages/answer.py")
    first = wait_for(lambda: sorted((checkout / "artifacts/pool").rglob("*.batches/*.parquet")))
    stage.kill()
    stage.communicate()
    assert nothing_is_left(checkout)
    kept = {path: path.stat().st_mtime_ns for path in (checkout / "artifacts/pool").rglob("*.batches/*.parquet")}
    assert set(first) <= set(kept)
    spoilt = min(kept)
    spoilt.write_bytes(spoilt.read_bytes()[:-9])
    assert "answered in part" in leanvlm(checkout, "explain").stdout
    done = run(checkout, "stages/answer.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the stored cell is damaged") == 1
    disturbed = pq.read_table(checkout / "artifacts/answers.parquet")
    assert not list((checkout / "artifacts/pool").rglob("*.batches"))
    shutil.rmtree(checkout / "artifacts/pool")
    answered(checkout)
    assert pq.read_table(checkout / "artifacts/answers.parquet").equals(disturbed)


def wait_for(found: Callable[[], list[Path]]) -> list[Path]:
    deadline = time.monotonic() + 60
    while not found() and time.monotonic() < deadline:
        time.sleep(0.02)
    return found()


def test_a_missing_checkpoint_is_one_sentence(sampled: Path, server: str) -> None:
    (sampled / "artifacts/models/embedded/model.safetensors").unlink()
    done = run(sampled, "stages/answer.py", server=server)
    assert done.returncode == 2
    assert "no checkpoint in artifacts/models/embedded" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recipe_alone_says_what_it_says_in_the_grid(stored: Path, server: str) -> None:
    in_the_grid = [row for row in rows_of(stored) if row["recipe"] == SNAPKV]
    shutil.rmtree(stored / "artifacts/pool")
    write_params(stored, FEW)
    assert answered(stored, server) == "answers: 4 cells, 4 answered now, 0 old ones deleted"
    assert [row for row in rows_of(stored) if row["recipe"] == SNAPKV] == in_the_grid
