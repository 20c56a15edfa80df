"""`leanvlm.evaluate` and `leanvlm run`: answers without the grid, and a folder that `leanvlm score` reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import leanvlm
from leanvlm import plugins
from leanvlm.api.evaluate import _answered
from leanvlm.benchmarks import easy_vqa
from leanvlm.commands import cli
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse

RECIPES = ["controls/blind", "cache/snapkv@10%"]


@pytest.fixture(scope="module")
def found(model: LoadedModel) -> leanvlm.api.evaluate.Evaluation:
    return leanvlm.evaluate(model, recipes=RECIPES, benchmarks=["documents", "easy_vqa"], n=3, max_new_tokens=6)


def test_its_answers_are_those_of_answer(found: leanvlm.api.evaluate.Evaluation, model: LoadedModel) -> None:
    samples = {one.sample_id: one for one in plugins.load("benchmarks", "documents")().samples(3, seed=0)}
    rows = found.sql("select recipe, sample_id, answer from answers where benchmark = 'documents'").fetchall()
    assert len(rows) == 9
    for recipe, sample_id, said in rows:
        sample = samples[sample_id]
        alone = leanvlm.answer(model, sample.pictures(), sample.question, recipe=recipe, max_new_tokens=6)
        assert str(alone) == said


def test_the_full_model_is_always_there(found: leanvlm.api.evaluate.Evaluation) -> None:
    recipes = [recipe for (recipe,) in found.sql("select distinct recipe from overall_loyalty order by 1").fetchall()]
    assert recipes == ["cache/snapkv@10%", "controls/blind", "controls/full"]


def test_it_knows_how_sure_answers_are(found: leanvlm.api.evaluate.Evaluation) -> None:
    sure = found.sql("select count(*), min(mean_confidence) > 0, max(mean_confidence) < 1 from calibration_error")
    assert sure.fetchall() == [(6, True, True)]
    assert found.sql("select distinct kind from samples order by 1").fetchall() == [("question",), ("value",)]


def test_run_writes_what_score_reads(
    random_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], found: leanvlm.api.evaluate.Evaluation
) -> None:
    named = [
        "--benchmarks",
        "documents",
        "easy_vqa",
        "--n",
        "3",
        "--max-new-tokens",
        "6",
        "--into",
        str(tmp_path / "p"),
    ]
    cli.call(["run", "--model", str(random_checkpoint), "--recipes", *RECIPES, *named])
    assert "next: leanvlm score" in capsys.readouterr().err
    cli.call(["score", str(tmp_path / "p"), "--metric", "accuracy", "--format", "csv"])
    printed = capsys.readouterr().out
    for recipe, benchmark, accuracy in found.sql("select recipe, benchmark, accuracy from accuracy").fetchall():
        assert f"{recipe},{benchmark}" in printed
        assert f",{accuracy}" in printed
    with pytest.raises(InputError, match="it exists; name one that does not"):
        cli.call(["run", "--model", str(random_checkpoint), "--recipes", *RECIPES, *named])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipes": ["weights/gptq@w4a16-g128"]}, "acts on the weights"),
        ({"recipes": ["tokens/none@10%"]}, "no method 'tokens/none'"),
        ({"benchmarks": ["docvqa9"]}, "no benchmark 'docvqa9'"),
        ({"benchmarks": []}, "one benchmark or more"),
        ({"n": 0}, "n and max_new_tokens of 1 or more"),
    ],
)
def test_what_cannot_be_is_one_sentence(model: LoadedModel, options: dict[str, object], said: str) -> None:
    asked = {"recipes": RECIPES, "benchmarks": ["documents"], "n": 1} | options
    with pytest.raises(InputError, match=said):
        leanvlm.evaluate(model, **asked)  # type: ignore[arg-type]


def test_a_sample_that_cannot_be_asked_counts_as_wrong_and_is_told(
    model: LoadedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = easy_vqa.Benchmark().samples(2, seed=0)
    asked = [first, replace(second, question="<image> <image> what is it?")]
    rows = list(_answered(model, asked, [parse("controls/full")], "easy_vqa", 4))
    assert [(row["sample_id"], row["answer"], row["new_tokens"]) for row in rows][1:] == [(second.sample_id, "", 0)]
    assert "easy_vqa: 1 samples were refused and count as wrong; sample" in capsys.readouterr().err
