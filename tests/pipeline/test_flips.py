"""What another batch changes is counted for each model and benchmark that was asked in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanvlm.engine.sweep import Answer
from leanvlm.pipeline import batches, seals
from leanvlm.pipeline.cells import Cell
from leanvlm.pipeline.flips import flips
from leanvlm.recipes import parse


def stored(recipe: str, benchmark: str, said: list[str | None]) -> Cell:
    """Store a cell; None is a sample that was refused."""
    cell = Cell("m", parse(recipe), benchmark, (("recipe", recipe),))
    answers = {str(place): answered(text) for place, text in enumerate(said)}
    seals.write(cell, batches.table(cell, answers), cell.file)
    return cell


def answered(text: str | None) -> Answer:
    if text is None:
        return Answer("", 0, "refused", 0, 0, 0, 0.0, 0, 0, 0.0, 0.0, 0.0, 0.0, None, refusal="no")
    return Answer(text, 2, "stop", 20, 9, 1, 9.0, 80, 80, 1.0, 1.0, 1.0, 1.0, None)


def test_answers_that_differ_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = [
        stored("controls/full", "a", ["x", "y", "z", None, "w"]),
        stored("controls/rebatched", "a", ["x", "Y", "z", None, "w"]),
        stored("controls/blind", "a", ["", "", "", None, ""]),
        stored("controls/full", "b", ["x"]),
        stored("controls/rebatched", "c", ["x"]),
    ]
    assert list(flips(cells)) == [
        "m | a: 1 of 4 answers (25.0%) differ between controls/full and controls/rebatched; "
        "fewer flips than that say nothing of a recipe"
    ]
