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


def test_a_sample_that_is_refused_leaves_the_other_sweeps_alone(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    run(checkout, "stages/samples.py")
    path = sorted((checkout / "data/samples").glob("*.parquet"))[0]
    asked = pq.read_table(path)
    questions = ["<image> what is it?", *asked["question"].to_pylist()[1:]]
    field = asked.schema.field("question")
    pq.write_table(asked.set_column(asked.column_names.index("question"), field, [questions]), path)
    done = run(checkout, "stages/answer.py")
    assert done.returncode == 2
    assert f"embedded | {path.stem}: sample '00" in done.stderr
    assert "holds '<image>'" in done.stderr
    assert "Traceback" not in done.stderr
    stored = {cell.name.partition("-")[0] for cell in (checkout / "artifacts/pool").rglob("*.parquet")}
    assert stored
    assert path.stem not in stored


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
