"""Right answers at the entrances of `leanvlm score`: the unfit are refused by file, line and sample."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm import grading
from leanvlm.errors import InputError
from tests.predictions.written import Row, lmms_eval, sample, scored

UNFIT = [None, "", " ", [], [""], [None], ["red", ""], ["red", None], "None", "[]", {"a": 1}, [1, 2], "\ud800", "a\0"]
AS_COLUMN = [None, [], [""], ["\u200b"], [None], ["red", ""], ["red", None], ["None"], ["a\0b"], ["['a', 'b']"]]


def lines(target: object, at: int) -> list[Row]:
    return [sample(index, target=target if index == at else "red") for index in range(3)]


@pytest.mark.parametrize("target", UNFIT)
@pytest.mark.parametrize("rule", grading.rules())
def test_an_unfit_target_is_refused_whatever_the_rule(target: object, rule: str, tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", lines(target, 1))
    with pytest.raises(InputError, match=r"samples_t\.jsonl line 2: sample 1 of t\b") as caught:
        scored(str, tmp_path, "--full", "full", "--grade", f"t={rule}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", UNFIT)
def test_where_a_number_grades_targets_do_not_matter(
    target: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lmms_eval(tmp_path, "full", [row | {"m": 1} for row in lines(target, 1)])
    [row] = scored(lambda: capsys.readouterr().out, tmp_path, "--full", "full")
    assert (row["n_samples"], row["op"]) == (3, 1.0)


def column(folder: Path, answers: object, rule: str) -> Path:
    """Write three samples of two recipes, of which the second has these right answers."""
    keys = {"model": "m", "benchmark": "b", "answer": "red", "rule": rule}
    rows = [
        keys | {"recipe": recipe, "sample_id": f"{index}", "answers": answers if index == 1 else ["red"]}
        for recipe in ("controls/full", "fast")
        for index in range(3)
    ]
    schema = pa.schema([*((name, pa.string()) for name in (*keys, "recipe", "sample_id"))])
    pq.write_table(
        pa.Table.from_pylist(rows, schema=schema.append(pa.field("answers", pa.list_(pa.string())))),
        folder / "a.parquet",
    )
    return folder


@pytest.mark.parametrize("answers", AS_COLUMN)
@pytest.mark.parametrize("rule", ["anls", "choice", "exact", "vqa"])
def test_an_unfit_column_is_refused_whatever_the_rule(answers: object, rule: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.parquet line 2: sample 1 of b\b"):
        scored(str, column(tmp_path, answers, rule))


@pytest.mark.parametrize("target", ["('red', 'crimson')", "['red' 'crimson']", ["crimson", "red"]])
def test_a_list_in_any_spelling_is_alternatives(
    target: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [sample(0, "red", target=target), sample(1, "crimson", target=target), sample(2, "blue", target=target)]
    lmms_eval(tmp_path, "full", rows)
    [row] = scored(
        lambda: capsys.readouterr().out, tmp_path, "--full", "full", "--grade", "t=exact", "--metric", "accuracy"
    )
    assert row["accuracy"] == pytest.approx(2 / 3, abs=1e-9)


@pytest.mark.parametrize("word", ["-", "dummy", "N/A"])
def test_a_benchmark_without_public_answers_is_refused_by_name(word: str, tmp_path: Path) -> None:
    lmms_eval(tmp_path, "full", [sample(index, target=word) for index in range(5)])
    with pytest.raises(InputError, match=r"^t has no right answers: that of each of its 5 samples is"):
        scored(str, tmp_path, "--full", "full", "--grade", "t=anls")


@pytest.mark.parametrize("said", ["B. a red car", "B", "(B)", "B\n\nOption A is blue.", "\\boxed{B}", "a red car"])
def test_a_target_with_letter_and_text_is_chosen_by_either(
    said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lmms_eval(tmp_path, "full", [sample(0, said, target="B. a red car"), sample(1, "A", target="B. a red car")])
    arguments = (tmp_path, "--full", "full", "--grade", "t=choice", "--metric", "accuracy")
    [row] = scored(lambda: capsys.readouterr().out, *arguments)
    assert row["accuracy"] == 0.5
