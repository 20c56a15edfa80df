"""The answers stage: what is stored is reused, what is missing is run, what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from tests.checkouts import RECIPES, run, write_params


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


def test_a_damaged_cell_is_named_and_nothing_is_lost(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    run(checkout, "stages/samples.py")
    answered(checkout)
    table = (checkout / "artifacts/answers.parquet").read_bytes()
    cell = sorted((checkout / "artifacts/pool").rglob("*.parquet"))[0]
    cell.write_bytes(cell.read_bytes()[:-100])
    done = run(checkout, "stages/answer.py")
    assert done.returncode == 2
    assert cell.name in done.stderr
    assert "delete that file" in done.stderr
    assert "Traceback" not in done.stderr
    assert (checkout / "artifacts/answers.parquet").read_bytes() == table
    cell.unlink()
    assert answered(checkout).startswith("answers: 4 cells, 1 answered now")
    assert (checkout / "artifacts/answers.parquet").read_bytes() == table


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
