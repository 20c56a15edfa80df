"""A benchmark with a data folder: one file and its options. Where the folder is missing, its cells are skips."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image
from ruamel.yaml import YAML

from tests.checkouts import ROOT, run, write_params

RECIPES = ("controls/full", "cache/snapkv@10%")
COLORS = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255)}
REASON = "the folder 'elsewhere' does not exist; write samples.jsonl and its pictures there, or name another as its"


@pytest.fixture
def grid(checkout: Path) -> Path:
    """A checkout whose grid has the example and a drawn benchmark."""
    shutil.copy(ROOT / "tests/benchmarks/prepared.py", checkout / "leanvlm/benchmarks/prepared.py")
    write_params(checkout, RECIPES, n=2)
    set_options(checkout, "{prepared: {folder: elsewhere, longest: 20}}")
    return checkout


def set_options(checkout: Path, options: str) -> None:
    params = checkout / "params.yaml"
    text = params.read_text().replace("[easy_vqa, documents]", "[prepared, documents]")
    lines = [f"benchmarks: {options}" if line.startswith("benchmarks:") else line for line in text.splitlines()]
    params.write_text("\n".join(lines) + "\n")


def write_data(folder: Path) -> None:
    folder.mkdir()
    rows = []
    for name, rgb in COLORS.items():
        Image.new("RGB", (40, 30), rgb).save(folder / f"{name}.png")
        rows.append({"id": name, "question": "which color?", "answer": name, "image": f"{name}.png"})
        rows.append(
            {"id": f"long-{name}", "question": "which color is this, if any?", "answer": name, "image": "red.png"}
        )
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def stage(checkout: Path, name: str, server: str | None = None) -> str:
    done = run(checkout, "-m", f"stages.{name}", server=server)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def listed(checkout: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((checkout / "artifacts/benchmark_files.json").read_text())
    return found


def pairs(table: Path) -> set[tuple[str, str]]:
    rows = pq.read_table(table, columns=["recipe", "benchmark"]).to_pylist()
    return {(row["recipe"], row["benchmark"]) for row in rows}


def test_its_questions_and_pictures_are_asked_with_the_options_given(grid: Path) -> None:
    write_data(grid / "elsewhere")
    assert "prepared: 2 samples" in stage(grid, "samples")
    rows = pq.read_table(grid / "data/samples/prepared.parquet").to_pylist()
    assert all(row["question"] == "which color?" for row in rows), "longest: 20 leaves the others out"
    assert {row["difficulty"] for row in rows} == {'{"longest": 20}'}, "where the data lie changes no sample"
    for row in rows:
        [png] = row["images"]
        (grid / "one.png").write_bytes(png)
        assert Image.open(grid / "one.png").getpixel((5, 5)) == COLORS[row["answers"][0]]


def test_a_missing_folder_is_a_skip_with_its_reason_and_the_rest_goes_on(grid: Path, server: str) -> None:
    assert f"prepared: skipped, since {REASON}" in stage(grid, "samples")
    stage(grid, "answer", server)
    skips = pq.read_table(grid / "artifacts/skips.parquet").to_pylist()
    assert [(row["model"], row["recipe"], row["benchmark"]) for row in skips] == [
        ("embedded", recipe, "prepared") for recipe in RECIPES
    ]
    assert all(row["reason"].startswith(REASON) for row in skips)
    assert pairs(grid / "artifacts/cells.parquet") == {(recipe, "documents") for recipe in RECIPES}
    stage(grid, "judge")
    stage(grid, "grade")
    assert pairs(grid / "artifacts/grades.parquet") == {(recipe, "documents") for recipe in RECIPES}
    why = run(grid, "-m", "leanvlm", "explain", "controls/full", "prepared").stdout
    assert f"embedded | controls/full | prepared: not run, {REASON}" in why


def test_a_folder_that_appears_and_an_edit_in_it_are_noticed(grid: Path) -> None:
    stage(grid, "fetch")
    assert listed(grid)["prepared"]["missing"].startswith(REASON)
    write_data(grid / "elsewhere")
    stage(grid, "fetch")
    before = listed(grid)["prepared"]
    assert set(before) == {f"elsewhere/{path.name}" for path in (grid / "elsewhere").iterdir()}
    shutil.copy(grid / "elsewhere/red.png", grid / "elsewhere/green.png")
    stage(grid, "fetch")
    after = listed(grid)["prepared"]
    assert [name for name in before if after[name] != before[name]] == ["elsewhere/green.png"]
    assert after["elsewhere/green.png"] == after["elsewhere/red.png"]
    assert "artifacts/benchmark_files.json" in YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]["samples"]["deps"]


def test_a_folder_without_samples_is_one_sentence(grid: Path) -> None:
    (grid / "elsewhere").mkdir()
    (grid / "elsewhere/samples.jsonl").touch()
    done = run(grid, "-m", "stages.samples")
    assert done.returncode == 2
    assert done.stderr.startswith("leanvlm: prepared has no samples; ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("{prepared: {path: x}}", "benchmarks.prepared has no key 'path'; it knows: folder, longest"),
        ("{prepared: {longest: many}}", "benchmarks.prepared.longest is 'many'; it must be a whole number"),
        ("{documents: {lines: [1]}}", "benchmarks.documents.lines is [1]; it must be a list of 2"),
        ("{documentz: {}}", "no benchmark 'documentz'"),
    ],
)
def test_a_wrong_option_is_one_sentence(grid: Path, options: str, said: str) -> None:
    set_options(grid, options)
    done = run(grid, "-m", "stages.samples")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
