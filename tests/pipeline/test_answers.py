"""The answers stage: what is stored is reused, what is missing is run, what is wrong is said."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from tests.checkouts import RECIPES, run, write_params
from tests.pipeline.test_endings import nothing_is_left, started


def answered(folder: Path) -> str:
    done = run(folder, "stages/answer.py")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Error logging to API" not in done.stderr  # Prefect's threads were done before their server went
    return done.stdout.splitlines()[-1]


def test_only_missing_cells_run_and_reverting_runs_none(checkout: Path) -> None:
    few = RECIPES[:3]
    write_params(checkout, few)
    assert run(checkout, "stages/samples.py").returncode == 0
    assert answered(checkout) == "answers: 6 cells, 6 answered now, 0 old ones deleted"
    before = (checkout / "artifacts/answers.parquet").read_bytes()
    write_params(checkout, (*few, "cache/snapkv@10%"))
    assert answered(checkout) == "answers: 8 cells, 2 answered now, 0 old ones deleted"
    write_params(checkout, few)
    assert answered(checkout) == "answers: 6 cells, 0 answered now, 0 old ones deleted"
    assert (checkout / "artifacts/answers.parquet").read_bytes() == before
    why = run(checkout, "-m", "leanvlm", "explain", "controls/full", "documents").stdout
    assert "stored as" in why


def test_a_cell_whose_seal_is_broken_is_set_aside_by_name_and_answered_again(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    run(checkout, "stages/samples.py")
    answered(checkout)
    table = (checkout / "artifacts/answers.parquet").read_bytes()
    cell = sorted((checkout / "artifacts/pool").rglob("*.parquet"))[0]
    whole, other = cell.read_bytes(), sorted((checkout / "artifacts/pool").rglob("*.parquet"))[-1].read_bytes()
    altered = pq.read_table(cell)
    said = altered["answer"].to_pylist()
    rows = altered.set_column(altered.column_names.index("answer"), altered.schema.field("answer"), [["no", *said[1:]]])
    relabelled = dict(altered.schema.metadata) | {b"leanvlm.parts": b"[]"}
    for reason, spoil in {
        "is damaged": lambda: cell.write_bytes(whole[:-100]),
        "was altered": lambda: pq.write_table(rows, cell),
        "was altered after": lambda: pq.write_table(altered.replace_schema_metadata(relabelled), cell),
        "was made of other inputs": lambda: cell.write_bytes(other),
    }.items():
        spoil()
        done = run(checkout, "stages/answer.py")
        assert done.returncode == 0, done.stderr
        assert f"the stored cell {reason}" in done.stdout
        assert f"{cell.name}.set-aside" in done.stdout
        assert "answers: 4 cells, 1 answered now" in done.stdout
        assert (checkout / "artifacts/answers.parquet").read_bytes() == table


def spoil(folder: Path, n: int) -> Path:
    """Put a placeholder of which nobody knows what it stands for into the first questions of a benchmark."""
    path = sorted((folder / "data/samples").glob("*.parquet"))[0]
    asked = pq.read_table(path)
    questions = asked["question"].to_pylist()
    questions[:n] = ["<image> <image> what is it?"] * n
    field = asked.schema.field("question")
    pq.write_table(asked.set_column(asked.column_names.index("question"), field, [questions]), path)
    return path


def test_a_sample_that_is_refused_is_a_row_that_is_seen_and_the_sweep_goes_on(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    run(checkout, "stages/samples.py")
    path = spoil(checkout, 1)
    done = run(checkout, "stages/answer.py")
    assert done.returncode == 0, done.stderr
    assert f"{path.stem}: 1 samples were refused and count as wrong" in done.stdout
    rows = pq.read_table(checkout / "artifacts/answers.parquet").to_pylist()
    refused = [row for row in rows if row["refusal"] is not None]
    assert [(row["benchmark"], row["finish_reason"], row["answer"], row["prompt_tokens"]) for row in refused] == [
        (path.stem, "refused", "", 0)
    ] * 2
    assert "sample '00000'" in refused[0]["refusal"]
    assert "<image>" in refused[0]["refusal"]
    for name in ("judge", "grade"):
        assert run(checkout, "-m", f"stages.{name}").returncode == 0
    grades = pq.read_table(checkout / "artifacts/grades.parquet").to_pylist()
    assert {row["grade"] for row in grades if row["benchmark"] == path.stem and row["sample_id"] == "00000"} == {0.0}


def test_a_model_that_refuses_every_sample_is_one_sentence_and_the_other_sweeps_are_kept(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    run(checkout, "stages/samples.py")
    path = spoil(checkout, 3)
    done = run(checkout, "stages/answer.py")
    assert done.returncode == 2
    assert f"{path.stem}: every sample was refused; sample '00000'" in done.stderr
    assert "Traceback" not in done.stderr
    stored = {cell.name.partition("-")[0] for cell in (checkout / "artifacts/pool").rglob("*.parquet")}
    assert stored
    assert path.stem not in stored


def test_a_kill_loses_no_batch_that_is_kept_and_one_that_is_altered_is_answered_again(checkout: Path) -> None:
    write_params(checkout, RECIPES[:6], n=40)
    assert run(checkout, "stages/samples.py").returncode == 0
    stage = started(checkout, "stages/answer.py")
    first = wait_for(lambda: sorted((checkout / "artifacts/pool").rglob("*.batches/*.parquet")))
    stage.kill()
    stage.communicate()
    assert nothing_is_left(checkout)
    kept = {path: path.stat().st_mtime_ns for path in (checkout / "artifacts/pool").rglob("*.batches/*.parquet")}
    assert set(first) <= set(kept)
    spoilt = min(kept)
    spoilt.write_bytes(spoilt.read_bytes()[:-9])
    assert "answered in part" in run(checkout, "-m", "leanvlm", "explain").stdout
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


def test_a_missing_checkpoint_is_one_sentence(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    run(checkout, "stages/samples.py")
    (checkout / "artifacts/models/embedded/model.safetensors").unlink()
    done = run(checkout, "stages/answer.py")
    assert done.returncode == 2
    assert "no checkpoint in artifacts/models/embedded" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recipe_alone_says_what_it_says_in_the_grid(checkout: Path) -> None:
    write_params(checkout, RECIPES[:6])
    run(checkout, "stages/samples.py")
    answered(checkout)
    wanted = "cache/snapkv@10%"
    grid = [row for row in pq.read_table(checkout / "artifacts/answers.parquet").to_pylist() if row["recipe"] == wanted]
    for cell in (checkout / "artifacts/pool").rglob("*.parquet"):
        cell.unlink()
    write_params(checkout, ("controls/full", wanted))
    answered(checkout)
    alone = [
        row for row in pq.read_table(checkout / "artifacts/answers.parquet").to_pylist() if row["recipe"] == wanted
    ]
    assert alone == grid
