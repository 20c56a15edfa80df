"""A file of scores of one's own: worked examples, and one sentence for each way to get it wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leanvlm.commands import cli
from leanvlm.errors import InputError
from leanvlm.paper import recompute as paper

Tree = dict[str, Any]


def _tree() -> Tree:
    """Two models, whose ratios are (1.0, 0.5) and (0.8, 0.7)."""
    return {
        "m1": {"100%": {"Original": {"a": 10, "b": 200}}, "10%": {"FastV": {"a": 10, "b": 100}}},
        "m2": {"100%": {"Original": {"a": 50, "b": 1}}, "10%": {"FastV": {"a": 40, "b": 0.7}}},
    }


def _asked(tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(tree))
    cli.call(["verify-paper", "--scores", str(path), "--format", "json"])
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_models_are_averaged_before_benchmarks_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = _asked(_tree(), tmp_path, capsys)
    assert [(row["metric"], row["model"], row["method"], row["budget"]) for row in rows] == [
        ("OP", "m1", "FastV", "10%"),
        ("OP", "m2", "FastV", "10%"),
        ("OG", None, "FastV", "10%"),
    ]
    assert rows[0]["recomputed"] == pytest.approx((1.25 / 2) ** 0.5, abs=1e-8)
    assert rows[1]["recomputed"] == pytest.approx((1.13 / 2) ** 0.5, abs=1e-8)
    assert rows[2]["recomputed"] == pytest.approx(20.0, abs=1e-8)
    assert (rows[0]["worst_benchmark"], rows[0]["worst_accuracy_kept"], rows[2]["n_models"]) == ("b", 0.5, 2)


def test_our_own_names_and_one_model_do_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full, kept = {"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 0.9, "b": 0.8, "c": 1.0}
    tree = {"m": {"100%": {"controls/full": full}, "2:4": {"weights/wanda": kept}}, "source": "section 8.11"}
    op, og = _asked(tree, tmp_path, capsys)
    assert op["recomputed"] == pytest.approx(0.903696, abs=1e-6)
    assert og["recomputed"] == pytest.approx(9.0722, abs=1e-4)


@pytest.mark.parametrize("name", paper.TABLES)
def test_the_papers_own_tables_can_be_asked(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.call(["verify-paper", "--scores", str(paper.ROOT / f"{name}.json")])
    assert capsys.readouterr().out.startswith("metric  model")


def _wrong(change: Callable[[Tree], object]) -> str:
    tree = _tree()
    change(tree)
    return json.dumps(tree)


WRONG = {
    "model without a method": (_wrong(lambda tree: tree["m2"].pop("10%")), "m2 lacks FastV at 10%, which m1 has"),
    "first model without a method": (_wrong(lambda tree: tree["m1"].pop("10%")), "m1 lacks FastV at 10%"),
    "model without anything": (
        _wrong(lambda tree: tree.update(m2={})),
        "m2 holds nothing and no budget",
    ),
    "no model": ("{}", "the table holds nothing and no model"),
    "only a source": ('{"source": "mine"}', "the table holds nothing"),
    "no level of models": (json.dumps(_tree()["m1"]), "100% > Original > a holds 10.0 and no benchmark"),
    "no full model": (_wrong(lambda tree: tree["m1"].pop("100%")), "m1 lacks Original at 100%"),
    "two full models": (
        _wrong(lambda tree: tree["m1"]["100%"].update({"controls/full": {"a": 1, "b": 1}})),
        "full model twice",
    ),
    "benchmark missing": (_wrong(lambda tree: tree["m1"]["10%"]["FastV"].pop("a")), "m1 > 10% > FastV lacks a"),
    "score as text": (
        _wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(a="8.0")),
        'm1 > 10% > FastV > a is "8.0"; a score is a number from 0 to 1000000',
    ),
    "NaN": (_wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(a=float("nan"))), "FastV > a is NaN; a score"),
    "infinity": (_wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(a=float("inf"))), "is Infinity; a score"),
    "null": (_wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(a=None)), "is null; a score"),
    "true": (_wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(a=True)), "is true; a score"),
    "negative": (_wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(a=-1)), "is -1.0; a score"),
    "too many digits": ('{"m": {"1%": {"FastV": {"a": 1' + "0" * 5000 + "}}}}", "is Infinity; a score"),
    "too deep": (_wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(a={"x": 1})), "is an object; a score"),
    "full is 0": (
        _wrong(lambda tree: tree["m1"]["100%"]["Original"].update(a=0)),
        "m1 > 100% > Original > a is 0; other scores are divided by it",
    ),
    "unknown method": (
        _wrong(lambda tree: tree["m1"]["10%"].update(FastW={"a": 1})),
        "FastW is no method; the methods",
    ),
    "method at 100%": (_wrong(lambda tree: tree["m1"]["100%"].update(FastV={"a": 1})), "FastV is out of place"),
    "full model at 10%": (_wrong(lambda tree: tree["m1"]["10%"].update(Original={"a": 1})), "Original is out of place"),
    "unknown budget": (_wrong(lambda tree: tree["m1"].update({"0.1": {"FastV": {"a": 1}}})), "m1 > 0.1 is no budget"),
    "budget above 100%": (_wrong(lambda tree: tree["m1"].update({"101%": {"FastV": {"a": 1}}})), "101% is no budget"),
    "budget 0%": (_wrong(lambda tree: tree["m1"].update({"0%": {"FastV": {"a": 1}}})), "0% is no budget"),
    "result among scores": (
        _wrong(lambda tree: tree["m1"]["10%"]["FastV"].update(OP_paper=0.5)),
        "OP_paper is a result and no benchmark",
    ),
    "blank name": (_wrong(lambda tree: tree.update({" ": tree["m1"]})), "a model named ' '; write its name"),
    "name twice": ('{"m": {}, "m": {}}', "'m' is listed twice"),
    "list": ("[]", "the table holds a list and no model; a table is model >"),
    "empty file": ("", "the file is empty; write model > budget > method > benchmark > score as JSON"),
    "cut JSON": (json.dumps(_tree())[:-20], "the file is cut off or not JSON"),
    "nested without end": ("[" * 200_000, "the file is cut off or not JSON"),
    "not JSON": ("model,score\nm,1\n", "the file is cut off or not JSON"),
    "not text": (b"\xff\xfe\xfa", "the file is cut off or not JSON"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_one_sentence(text: str | bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as refused:
        cli.call(["verify-paper", "--scores", str(path)])
    sentence = str(refused.value)
    assert sentence.startswith(f"{path}: ")
    assert said in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600


def test_wrong_input_ends_with_status_2_and_no_traceback(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "leanvlm", "verify-paper", "--scores", str(tmp_path / "none.json")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"leanvlm: {tmp_path}/none.json cannot be read (No such file or directory); name a JSON file of scores"
    ]
