"""Cells of a grid beside the numbers that the paper printed for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leanvlm.commands import cli
from leanvlm.errors import InputError
from leanvlm.paper import counterparts
from leanvlm.recipes import parse
from leanvlm.report import queries
from leanvlm.report.page import page
from tests.metrics.stores import computed

PRINTED = counterparts.printed().to_pylist()
ONE = "llava-onevision-qwen2-7b-ov-hf"


def test_every_printed_score_has_one_name_of_ours() -> None:
    tree = json.loads((counterparts.ROOT / "token_pruning.json").read_text())
    models = [budgets for name, budgets in tree.items() if name != "source"]
    scores = sum(len(of) for budgets in models for methods in budgets.values() for of in methods.values())
    pruned = json.loads((counterparts.ROOT / "weights.json").read_text())["LLaVA-OV-7B"]
    more = sum(len(of) for budget, methods in pruned.items() if budget != "100%" for of in methods.values())
    names = {name: model for model, names in counterparts.MODELS.items() for name in names}
    assert len({(names[row["checkpoint_name"]], row["recipe"], row["benchmark"]) for row in PRINTED}) == scores + more
    spelt = {row["recipe"] for row in PRINTED} - {"weights/ecoflap@2:4"}  # which leaves nothing to share out
    assert {parse(text).text for text in spelt} == spelt, "as we spell them"
    assert all(row["drift"] for row in PRINTED)


@pytest.mark.parametrize(
    ("recipe", "benchmark", "score"),  # read off the project page's tables
    [
        ("controls/full", "mme", 1974.1),
        ("tokens/fastv@1%", "mmbench", 27.69),
        ("tokens/visionzip@1%", "ocrbench", 194.0),
        ("weights/gptq@w4a16-g128", "docvqa", None),
    ],
)
def test_scores_are_those_that_are_printed(recipe: str, benchmark: str, score: float | None) -> None:
    [found] = [row["printed_score"] for row in PRINTED
               if (row["checkpoint_name"], row["recipe"], row["benchmark"]) == (ONE, recipe, benchmark)]  # fmt: skip
    assert found == score if score is not None else found > 0


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of two cells: one is printed, the other asks a benchmark of ours."""
    keys = [{"model": "mine", "recipe": "controls/full", "benchmark": name} for name in ("gqa", "documents")]
    given = {
        "cells": [key | {"checkpoint": f"llava-hf/{ONE}@main"} for key in keys],
        "samples": [
            {"benchmark": "gqa", "sample_id": f"{n}", "group_id": f"{n}", "kind": "", "aggregate": "mean"}
            for n in range(4)
        ],
        "grades": [keys[0] | {"sample_id": f"{n}", "published_grade": float(n > 0)} for n in range(4)],
    }
    path = tmp_path / "grid.duckdb"
    with computed(tmp_path, given, wanted="paper_difference") as connection:
        connection.execute(f"attach '{path}' as kept")
        for table in ("paper_difference", "published_score"):
            connection.execute(f"create table kept.{table} as from {table}")
    return path


def test_the_command_prints_ours_theirs_and_what_may_move_it(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.call(["verify-paper", "--store", str(store), "--format", "json"])
    [row] = json.loads(capsys.readouterr().out)
    assert (row["model"], row["benchmark"], row["published_score"], row["printed_score"]) == (
        "mine",
        "gqa",
        75.0,
        61.92,
    )
    assert row["paper_difference"] == pytest.approx(13.08)
    assert row["verdict"] == "within our interval"
    assert "pixel limit" in row["drift"]


def test_a_store_without_such_cells_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "empty.duckdb"
    with computed(tmp_path, {}, wanted="paper_difference") as connection:
        connection.execute(f"attach '{path}' as kept")
        connection.execute("create table kept.paper_difference as from paper_difference")
    with pytest.raises(InputError, match=r"no cell of .* has a number in the paper: its models are LLaVA-OV-7B"):
        cli.call(["verify-paper", "--store", str(path)])
    with pytest.raises(InputError, match="--scores and --store ask for different things"):
        cli.call(["verify-paper", "--store", str(path), "--scores", str(path)])


def test_the_report_shows_scores_and_differences(store: Path) -> None:
    with queries.duckdb.connect(str(store), read_only=True) as connection:
        found = {name: queries.rows(connection, f"paper/{name}") for name in ("published", "paper")}
    text = page._environment({}).get_template("paper/paper.html").render(models=["mine"], **found)
    assert "75.00<small>32.56 to 100.00</small>" in text
    assert "13.08" in text
    assert "4 samples; pixel limit" not in text
    assert "4 samples; nothing known beside the model&#39;s pixel limit" in text
    assert "No benchmark of this grid" in page._environment({}).get_template("paper/paper.html").render(
        models=["mine"], published=[], paper=[]
    )
