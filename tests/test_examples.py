"""Every file of examples/ runs from the root of a checkout and prints what its text promises."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.in_process import leanvlm

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
def test_an_example_runs_and_prints_what_it_promises(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exec(code(path), {"__name__": "__main__"})
    said = capsys.readouterr().out
    for text in PRINTS[path.stem]:
        assert text in said
    assert len(code(path).splitlines()) <= 30


def test_the_questions_of_readme_are_answered_and_graded(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```csv\n(.*?)```", readme, re.DOTALL)
    [commands] = re.findall(r"```sh\n(leanvlm run .*?)```", readme, re.DOTALL)
    questions = (ROOT / "examples/questions/questions.csv").read_text(encoding="utf-8").splitlines()
    assert set(shown.splitlines()) <= set(questions)
    for name in ("examples", "artifacts"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = [leanvlm(tmp_path, *shlex.split(command)[1:]) for command in commands.splitlines()]
    assert [one.returncode for one in done] == [0] * len(done), [one.stderr[-2000:] for one in done]
    grades = [line.split() for line in done[-1].stdout.splitlines()[1:]]
    assert len(grades) == 2 * (len(questions) - 1)
    assert all(float(grade) > 0.8 for *_, grade in grades)


def test_a_notebook_is_stored_without_output() -> None:
    for path in EXAMPLES:
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
