"""Questions of a person's own file in the grid: asked, graded, explained, and asked anew when a picture is edited."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from leanvlm import files, hashes
from leanvlm.errors import InputError
from leanvlm.params import load
from leanvlm.pipeline import cells
from leanvlm.pipeline.stored_cells import explain
from stages import fetch, grade, judge, samples
from tests.checkouts import run, write_params

NAME = "local:own data/questions (1).csv"
COLORS = {"red": (200, 0, 0), "green": (0, 150, 0), "blue": (0, 0, 200)}


@pytest.fixture
def grid(checkout: Path) -> Path:
    """A checkout whose grid has a person's own questions alone, which are timed as well."""
    folder = checkout / "own data"
    folder.mkdir()
    for color, rgb in COLORS.items():
        Image.new("RGB", (40, 30), rgb).save(folder / f"{color}.png")
    rows = [f"{color}.png,which color?,{color}" for color in COLORS]
    (folder / "questions (1).csv").write_text("\n".join(["image,question,answers", *rows]))
    write_params(checkout, ("controls/full",), n=10)
    params = checkout / "params.yaml"
    text = (
        params.read_text()
        .replace("[easy_vqa, documents]", f'["{NAME}"]')
        .replace("benchmark: documents", f'benchmark: "{NAME}"')
    )
    params.write_text(text.replace("benchmarks: {}", f'benchmarks: {{"{NAME}": {{rule: anls}}}}'))
    return checkout


def listed() -> dict[str, str]:
    hashes.file_hash.cache_clear()  # as in the next run
    fetch.main()
    found: dict[str, str] = json.loads(files.BENCHMARK_FILES.read_text())[NAME]
    return found


def explained() -> list[str]:
    hashes.file_hash.cache_clear()
    return [explain(cell) for cell in cells.grid_cells(load(files.PARAMS))]


def test_they_are_asked_and_graded_and_an_edit_is_noticed(
    grid: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(grid)
    before = listed()
    assert set(before) == {f"own data/{name}" for name in ("questions (1).csv", *(f"{color}.png" for color in COLORS))}
    samples.main()
    asked = pq.read_table(files.samples(NAME)).to_pylist()
    assert {(row["benchmark"], row["rule"], *row["answers"]) for row in asked} == {(NAME, "anls", c) for c in COLORS}
    done = run(grid, "stages/answer.py", server=server)
    assert done.returncode == 0, done.stderr[-2000:]
    judge.main()
    grade.main()
    grades = pq.read_table(files.table("grades")).to_pylist()
    assert {(row["benchmark"], row["sample_id"]) for row in grades} == {(NAME, f"0000{index}") for index in (1, 2, 3)}
    assert [said.partition(" as ")[0] for said in explained()] == [f"embedded | controls/full | {NAME}: stored"]

    Image.new("RGB", (40, 30), "white").save(grid / "own data/red.png")
    after = listed()
    assert [name for name in before if after[name] != before[name]] == ["own data/red.png"]
    samples.main()
    assert explained() == [f"embedded | controls/full | {NAME}: answered before with other samples"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (f'"{NAME}"]', f'"{NAME}", "local:./own data/questions (1).csv"]', "are one file; list it once"),
        (f'"{NAME}"]', '"local:own data/none.csv"]', "there is no file 'own data/none.csv'"),
        (f'"{NAME}"]', '"local:own data"]', "own data is a folder; name a file of rows in it: questions"),
        (f'"{NAME}"]', '"local:$(touch ran).csv"]', "it must be a benchmark, by a name"),
        ("rule: anls", "rule: exakt", "has the rule 'exakt' (perhaps exact)"),
        ("rule: anls", "rules: anls", "has no key 'rules'"),
        ("[documents, easy_vqa]", f'["{NAME}"]', "whose questions are graded; name others"),
    ],
)
def test_a_wrong_name_or_option_is_one_sentence(
    old: str, new: str, said: str, grid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = grid / "params.yaml"
    assert old in params.read_text()
    params.write_text(params.read_text().replace(old, new, 1))
    monkeypatch.chdir(grid)
    with pytest.raises(InputError) as caught:
        load(Path("params.yaml"))
    assert said in str(caught.value)
