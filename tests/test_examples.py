"""Every file of examples/ runs from the root of a checkout and prints what its text promises."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".ipynb"))
PRINTS = {
    "answer": ["cache/snapkv@20%", "20% of the cache"],
    "evaluate": ["tokens/fastv@40%", "n_samples"],
    "compress": ["4.126 bits a weight", "with a fifth of the cache: blue"],
    "generate": ["plain: green", "lean:  green"],
}


def code(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_prints_what_it_promises(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", code(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for text in PRINTS[path.stem]:
        assert text in done.stdout
    assert len(code(path).splitlines()) <= 30


def test_the_questions_of_readme_are_answered_and_graded(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```csv\n(.*?)```", readme, re.DOTALL)
    [commands] = re.findall(r"```sh\n(leanvlm run .*?)```", readme, re.DOTALL)
    questions = (ROOT / "examples/questions/questions.csv").read_text(encoding="utf-8").splitlines()
    assert set(shown.splitlines()) <= set(questions)
    for name in ("examples", "artifacts"):
        (tmp_path / name).symlink_to(ROOT / name)
    said = [leanvlm(tmp_path, *shlex.split(command)[1:]) for command in commands.splitlines()]
    grades = [line.split() for line in said[-1].splitlines()[1:]]
    assert len(grades) == 2 * (len(questions) - 1)
    assert all(float(grade) > 0.8 for *_, grade in grades)


def leanvlm(folder: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "leanvlm", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_notebook_is_stored_without_output() -> None:
    for path in EXAMPLES:
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
