"""An ablation turns one knob at a time, and says which of them explains a loss."""

from __future__ import annotations

import random
import statistics
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leanvlm.ablation.ask import ask, table
from leanvlm.ablation.levels import Level, levels
from leanvlm.ablation.measure import measure
from leanvlm.errors import InputError
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.params import Answering
from leanvlm.tables import ablation

Row = dict[str, Any]


def test_a_level_turns_one_knob_and_leaves_the_others() -> None:
    plain, turned = Level("documents", "rows", 24).built(), Level("documents", "lines", 4).built()
    assert turned.lines == (4, 4)
    assert turned.value_length == plain.value_length
    (sample, *_) = turned.samples(1, seed=0)
    assert sample.images[0].size == (144, 288)
    assert [one.name for one in levels({"pages": {"pages": [2, 3]}})] == ["pages:pages=2", "pages:pages=3"]


def test_an_unknown_knob_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="charts has no knob 'bars'; it has: series, tops, jitter"):
        Level("charts", "bars", 3).built()


def test_a_level_that_admits_no_question_is_refused_instead_of_drawn_for_ever() -> None:
    with pytest.raises(InputError, match=r"objects=\(1, 1\).* of which a 'relation' can be asked"):
        list(Level("scenes", "objects", 1).built().samples(5, seed=0))


def graded(
    recipe: str, level: int, grades: list[float], *, knob: str = "lines", position: int | None = None
) -> list[Row]:
    place = {"model": "m", "recipe": recipe, "benchmark": "b", "knob": knob, "level": level, "answer": ""}
    at = level - 1 if position is None else position
    return [{**place, "position": at, "sample_id": f"{i:03}", "grade": g} for i, g in enumerate(grades)]


def found(rows: list[Row]) -> tuple[dict[tuple[str, int], Row], dict[tuple[str, str], Row]]:
    tables = measure(pa.Table.from_pylist(rows), resamples=400, seed=0)
    by_level = {(row["recipe"], row["level"]): row for row in tables["levels"].to_pylist() if row["knob"] == "lines"}
    return by_level, {(row["recipe"], row["knob"]): row for row in tables["effects"].to_pylist()}


def test_a_loss_that_grows_with_a_knob_is_told_from_one_that_does_not() -> None:
    """By hand: the method loses 0.1 at level 1 and 0.6 at level 2; the other knob changes nothing."""
    right, tenth, most = [1.0] * 50, [0.0] * 5 + [1.0] * 45, [0.0] * 30 + [1.0] * 20
    rows = graded("controls/full", 1, right) + graded("controls/full", 2, right)
    rows += graded("x", 1, tenth) + graded("x", 2, most)
    for knob in ("jitter",):
        rows += graded("controls/full", 1, right, knob=knob) + graded("controls/full", 2, right, knob=knob)
        rows += graded("x", 1, tenth, knob=knob) + graded("x", 2, tenth, knob=knob)
    by_level, effects = found(rows)
    assert by_level["x", 1]["loss"] == pytest.approx(0.1)
    assert by_level["x", 2]["loss"] == pytest.approx(0.6)
    assert by_level["controls/full", 2]["loss"] == by_level["controls/full", 2]["high"] == 0
    assert by_level["x", 2]["n_samples"] == 50
    lines, jitter = effects["x", "lines"], effects["x", "jitter"]
    assert (lines["effect"], lines["verdict"], lines["rank"]) == (pytest.approx(0.5), "grows", 1)
    assert (lines["easiest"], lines["hardest"]) == (1, 2)
    assert 0.3 < lines["low"] < 0.5 < lines["high"] < 0.7
    assert (jitter["effect"], jitter["verdict"], jitter["rank"]) == (0, "unclear", None)
    assert ("controls/full", "lines") not in effects


def test_hard_and_easy_are_places_in_the_list_not_numbers() -> None:
    """A page of 12 rows can be harder than one of 24."""
    rows = graded("controls/full", 24, [1.0] * 30, position=0) + graded("controls/full", 12, [1.0] * 30, position=1)
    rows += graded("x", 24, [1.0] * 30, position=0) + graded("x", 12, [0.0] * 30, position=1)
    _, effects = found(rows)
    assert effects["x", "lines"]["effect"] == 1
    assert effects["x", "lines"]["easiest"] == 24


def test_intervals_are_those_of_an_independent_bootstrap() -> None:
    rng = random.Random(1)
    full = [float(rng.random() < 0.9) for _ in range(80)]
    mine = [grade * float(rng.random() < 0.7) for grade in full]
    by_level, _ = found(graded("controls/full", 1, full) + graded("x", 1, mine))
    losses = [a - b for a, b in zip(full, mine, strict=True)]
    drawn = sorted(statistics.fmean(rng.choices(losses, k=80)) for _ in range(4000))
    assert by_level["x", 1]["loss"] == pytest.approx(statistics.fmean(losses))
    assert by_level["x", 1]["low"] == pytest.approx(drawn[100], abs=0.03)
    assert by_level["x", 1]["high"] == pytest.approx(drawn[-100], abs=0.03)


def test_the_order_of_rows_changes_nothing() -> None:
    rng = random.Random(2)
    rows = [
        row for r in ("controls/full", "x") for k in (1, 2) for row in graded(r, k, [rng.random() for _ in range(9)])
    ]
    first = measure(pa.Table.from_pylist(rows), resamples=50, seed=0)
    rng.shuffle(rows)
    assert measure(pa.Table.from_pylist(rows), resamples=50, seed=0) == first


def test_every_question_is_asked_of_every_recipe(random_checkpoint: Path) -> None:
    asked = list(levels({"documents": {"lines": [1, 4]}, "pages": {"pages": [2]}}))
    answering = Answering(max_new_tokens=3, dtype="float32", device="cpu", workers=1, rows=8, keep_unused_cells=1)
    checkpoint = Checkpoint("llava_onevision", random_checkpoint, "float32", "cpu")
    recipes = ("controls/full", "tokens/fastv@10%")
    rows = table([{"model": "m", **row} for row in ask(checkpoint, recipes, asked, n=2, seed=0, answering=answering)])
    assert rows.num_rows == 3 * 2 * 2
    places = {(row["benchmark"], row["knob"], row["position"], row["level"]) for row in rows.to_pylist()}
    assert places == {("documents", "lines", 0, 1), ("documents", "lines", 1, 4), ("pages", "pages", 0, 2)}
    ablation.TABLE.write(rows, random_checkpoint.parent / "ablation.parquet")
