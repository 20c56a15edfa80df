"""From answers to judgements to grades: who is asked about what, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leanvlm import files, grading, params, store
from leanvlm.benchmarks._soundness import sound
from leanvlm.checks import gate
from leanvlm.checks.expectations import grades as expected_grades
from leanvlm.checks.expectations import judgements as expected_judgements
from leanvlm.checks.validate import validate
from leanvlm.errors import InputError
from leanvlm.grading import published
from leanvlm.judging._needed import open_answers
from leanvlm.judging._plan import most
from leanvlm.metrics import tally
from leanvlm.params import Params
from leanvlm.pipeline.cells import NO_JUDGE, grid_cells, grid_skips
from leanvlm.pipeline.judge import unanswered, write_judgements
from leanvlm.report import queries
from leanvlm.sample import Sample
from leanvlm.tables import answers, grades, judgements, samples
from tests import grid
from tests.judging.asked import judge
from tests.judging.endpoint import Endpoint, closes, says

# Great Expectations imports deprecated modules of the standard library
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated:DeprecationWarning")
ROOT = Path(__file__).parents[2]
RIGHT = "a red circle at the top"


@pytest.fixture
def written(endpoint: Endpoint) -> Path:
    """A grid whose long answers a judge must grade."""
    grid.write(Path())
    edit(samples, files.samples("long"), lambda row: row | {"rule": "judged", "judge": "mmvet"})
    return Path()


@pytest.fixture
def asking(endpoint: Endpoint) -> Params:
    asked = params.read(ROOT / "params.yaml")
    return replace(asked, judge=judge(endpoint), grid=replace(asked.grid, benchmarks=grid.BENCHMARKS))


def edit(table: Any, path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    table.TABLE.write([change(row) for row in table.TABLE.read(path).to_pylist()], path)


def judged(asking: Params) -> list[dict[str, Any]]:
    for line in write_judgements(asking, Path()):
        print(line)
    return judgements.TABLE.read(files.table("judgements")).to_pylist()


def graded() -> dict[tuple[str, str], dict[str, Any]]:
    """Grade and write; return the grades of long answers by recipe and sample."""
    read = [store.read(Path(), one.TABLE, benchmarks=grid.BENCHMARKS) for one in (answers, samples, judgements)]
    found = grading.grade(*read)
    grades.TABLE.write(found, files.table("grades"))
    return {(row["recipe"], row["sample_id"]): row for row in found.to_pylist() if row["benchmark"] == "long"}


def test_the_same_words_are_sent_once_and_the_grade_is_that_of_all_who_gave_the_answer(
    written: Path, asking: Params, endpoint: Endpoint
) -> None:
    endpoint.treat = lambda said, n: says("1.0" if f"<answer>\n{RIGHT}" in said else "0.3")
    rows = judged(asking)
    assert len(rows) == grid.N_SAMPLES + grid.N_SAMPLES // 2  # the right one, and "blue"
    assert len(endpoint.bodies) == 2  # the samples are alike, so the judge is told the same of each
    found = graded()
    assert len(found) == len(grid.RECIPES) * grid.N_SAMPLES
    for (recipe, name), row in found.items():
        is_right = recipe == "controls/full" or int(name) % 2 == 0
        assert (row["grade"], row["outcome"]) == ((1.0, "right") if is_right else (0.3, "partly"))
    batches = [gate._batch(Path(), module, grid.BENCHMARKS) for module in (expected_judgements, expected_grades)]
    assert all(finding.is_met for finding in validate(batches))


def test_an_answer_without_a_grade_is_in_no_mean_and_is_counted(
    written: Path, asking: Params, endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.treat = lambda said, n: says("11 of 10" if "<answer>\nblue" in said else "1.0")
    judged(asking)
    assert "3 of them are ungraded, and count nowhere; the first is of long 00001" in capsys.readouterr().out
    assert {row["outcome"] for (_, name), row in graded().items() if int(name) % 2} == {"right", "ungraded"}
    with store.connect(Path(), benchmarks=grid.BENCHMARKS) as connection:
        tally.prepare(connection, resamples=10, seed=0)
        for metric in dict.fromkeys((*tally.needed("accuracy_kept"), *tally.needed("ungraded"))):
            tally.compute(connection, metric)
        kept = connection.sql("select distinct n_samples, accuracy_kept from accuracy_kept where benchmark = 'long'")
        assert kept.fetchall() == [(3, 1.0)]
        counted = connection.sql("select recipe, ungraded, n_left_out from ungraded where benchmark = 'long'")
        [shown] = queries.rows(connection, "skips/ungraded")
        assert counted.fetchall() == [(recipe, 3 * (recipe != "controls/full"), 3) for recipe in sorted(grid.RECIPES)]
    wanted = {"benchmark": "long", "n_answers": 3 * 4, "n_left_out": 3, "n_samples": 6}
    assert {name: shown[name] for name in wanted} == wanted
    assert shown["reason"] == "the reply is not as it was asked for"


def test_what_got_no_reply_is_asked_for_again(written: Path, asking: Params, endpoint: Endpoint) -> None:
    assert not unanswered(Path())
    endpoint.treat = lambda said, n: closes if "<answer>\nblue" in said else says("1.0")
    asking = replace(asking, judge=judge(endpoint, workers=1))
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr("leanvlm.judging._client.LONGEST_PAUSE", 0.0)
        assert [row["grade"] for row in judged(asking) if row["answer"] == "blue"] == [None] * 3
    assert unanswered(Path())
    endpoint.treat = lambda said, n: says("0.2")
    assert [row["grade"] for row in judged(asking) if row["answer"] == "blue"] == [0.2] * 3
    assert not unanswered(Path())


def test_nobody_is_asked_about_an_answer_that_says_nothing_which_is_worth_0(
    written: Path, asking: Params, endpoint: Endpoint
) -> None:
    blank = {"00000": {"answer": " \n"}, "00001": {"answer": "", "refusal": "too long", "finish_reason": "refused"}}
    edit(answers, files.table("answers"), lambda row: row | blank.get(row["sample_id"], {}))
    assert {row["sample_id"] for row in judged(asking)} == {f"0000{index}" for index in range(2, 6)}
    found = graded()
    assert {(row["grade"], row["outcome"]) for (_, name), row in found.items() if name in blank} == {(0, "ungradable")}


def test_what_the_owners_rule_leaves_open_is_asked_and_is_the_owners_grade_alone(
    written: Path, asking: Params, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A choice that their rule decides for "blue" alone; ours decides it always."""
    choice = {"rule": "choice", "answers": ["B"], "options": ["x", "y"], "judge": "mmbench"}
    edit(samples, files.samples("long"), lambda row: row | choice | {"published_rule": "paper/docvqa"})
    monkeypatch.setattr(published, "load", lambda rule: lambda said, asked: 0.0 if said == "blue" else None)
    endpoint.treat = lambda said, n: says("B" if n % 2 else "(B)")
    assert {row["answer"] for row in judged(asking)} == {RIGHT}
    assert {(row["grade"], row["published_grade"]) for row in graded().values()} == {(0.0, 0.0), (0.0, 1.0)}

    without = replace(asking, judge=None)
    [line] = write_judgements(without, Path())
    assert "6 answers are left open by their owners' rule, and there is no judge" in line
    assert {(row["grade"], row["published_grade"]) for row in graded().values()} == {(0.0, 0.0), (0.0, None)}


def test_an_answer_that_is_not_short_is_shortened_by_a_judge_or_taken_as_it_is(
    written: Path, asking: Params, endpoint: Endpoint
) -> None:
    """MathVista's owners take a number as it is, and ask a judge to take one out of anything longer."""
    number = {"rule": "mathvista", "answers": ["3"], "judge": "mathvista", "published_rule": "paper/mathvista"}
    facts = {"facts": '{"question_type": "free_form", "answer_type": "integer"}'}
    edit(samples, files.samples("long"), lambda row: row | number | facts)
    edit(answers, files.table("answers"), lambda row: row | {"answer": "3" if row["answer"] == "blue" else "It is 3."})
    endpoint.treat = lambda said, n: says("3")
    assert {row["answer"] for row in judged(asking)} == {"It is 3."}
    assert {(row["grade"], row["published_grade"]) for row in graded().values()} == {(1.0, 1.0)}

    endpoint.treat = lambda said, n: says("three, I think")
    files.JUDGEMENTS.rename("replies")
    assert {row["grade"] for row in judged(asking)} == {None}
    assert {row["published_grade"] for row in graded().values()} == {1.0, None}

    [line] = write_judgements(replace(asking, judge=None), Path())
    assert "there is no judge: MathVista's are graded as they are" in line
    assert {(row["grade"], row["published_grade"]) for row in graded().values()} == {(1.0, 1.0), (1.0, 0.0)}


def test_the_points_of_the_right_answer_are_kept_beside_those_of_the_answer(
    written: Path, asking: Params, endpoint: Endpoint
) -> None:
    compared = {"judge": "llava_wilder", "published_rule": "paper/llava_wilder", "aggregate": "over_reference"}
    edit(samples, files.samples("long"), lambda row: row | compared)
    endpoint.treat = lambda said, n: says("8 6\nGood." if "<second-answer>\nblue" in said else "9 9")
    assert {(row["grade"], row["reference"]) for row in judged(asking)} == {(0.6, 0.8), (0.9, 0.9)}
    found = {(row["grade"], row["published_grade"], row["published_reference"]) for row in graded().values()}
    assert found == {(0.6, 0.6, 0.8), (0.9, 0.9, 0.9)}


def test_with_nothing_to_ask_nobody_is_asked(endpoint: Endpoint, asking: Params) -> None:
    grid.write(Path())
    assert open_answers(Path(), benchmarks=grid.BENCHMARKS) == []
    assert judged(replace(asking, judge=judge(endpoint, key_variable="NOT_SET_ANYWHERE"))) == []
    assert endpoint.bodies == []


def test_without_a_judge_the_cells_are_skipped_with_that_reason(written: Path, asking: Params) -> None:
    (files.EMBEDDED.parent).mkdir(parents=True)
    files.EMBEDDED.symlink_to(ROOT / files.EMBEDDED)
    chosen = replace(asking, grid=replace(asking.grid, recipes=("controls/full", "controls/blind")))
    without = replace(chosen, judge=None)
    assert {(skip.benchmark, skip.reason) for skip in grid_skips(without)} == {("long", NO_JUDGE)}
    assert {cell.benchmark for cell in grid_cells(without)} == {"short"}
    assert grid_skips(chosen) == []
    assert {cell.benchmark for cell in grid_cells(chosen)} == {"short", "long"}


def test_the_plan_bounds_what_is_then_paid(written: Path, asking: Params, endpoint: Endpoint) -> None:
    endpoint.treat = lambda said, n: says("1.0", usage=None)  # taken to have cost the most
    priced = judge(endpoint, dollars_per_million_in=2e3, dollars_per_million_out=8e3, most_dollars=1e6)
    n, dollars = most(priced, Path(), "long", max_new_tokens=48)
    assert n == grid.N_SAMPLES
    assert most(priced, Path(), "short", max_new_tokens=48) == (0, 0.0)
    line = next(iter(write_judgements(replace(asking, judge=priced), Path())))
    paid = float(line.rpartition("$")[2])
    assert 0 < paid <= dollars * len(grid.RECIPES)


@pytest.mark.parametrize(("rule", "named"), [("judged", ""), ("judged", "nobody"), ("exact", "nobody")])
def test_a_sample_names_a_judge_that_is_there(rule: str, named: str) -> None:
    sample = Sample(sample_id="s", question="?", answers=("red",), rule=rule, judge=named)
    with pytest.raises(InputError, match=r"sample 's': no judge .*; the judges are imagedc, .*mmvet"):
        list(sound("b", [sample]))
    assert list(sound("b", [replace(sample, judge="mmvet")]))
