"""EffiVLM-Bench's printed numbers: each against plain Python and against the tables as a reader copies them."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import pytest

from leanvlm.commands import cli
from leanvlm.errors import RunError
from leanvlm.paper import command
from leanvlm.paper import recompute as paper
from leanvlm.paper.scores import read

# OP of visual_token_prune.png: FastV, VisionZip, PruMerge+ at 1 %, 10 %, 40 %
TOKENS = {
    "LLaVA-OV-7B": "0.48 0.75 0.74 0.76 0.84 0.81 0.94 0.93 0.88",
    "Qwen2-VL-7B": "0.51 0.70 0.69 0.76 0.81 0.80 0.92 0.93 0.91",
    "InternVL2.5-38B": "0.47 0.55 0.56 0.58 0.76 0.67 0.78 0.93 0.84",
}
# OP of parem_compress.png: EcoFLAP, Wanda, SparseGPT at 20 % pruned, 50 %, 2:4; AWQ, GPTQ
WEIGHTS = "0.995 0.992 0.986 0.877 0.900 0.921 0.760 0.779 0.772 0.972 0.975"
# loyalty.png: OG at 1 % and 40 %, OL at 1 % and 40 %
LOYALTY = {
    "StreamingLLM": "49.76 12.05 33.26 85.98",
    "H2O": "30.93 2.05 53.02 94.57",
    "SnapKV": "31.98 2.34 55.85 93.31",
    "PyramidKV": "29.76 5.31 59.52 91.19",
    "LOOK-M": "51.72 3.46 29.67 93.43",
    "VL-Cache": "43.25 3.80 55.00 92.04",
    "FastV": "58.46 11.87 40.89 80.57",
    "VisionZip": "31.32 5.86 59.24 80.52",
    "PruMerge+": "34.62 13.47 56.85 83.07",
}

Scores = dict[str, dict[str, dict[str, dict[str, float]]]]


def _scores(name: str) -> Scores:
    tree: Scores = json.loads((paper.ROOT / f"{name}.json").read_text())
    assert "arXiv 2506.00479" in str(tree.pop("source"))
    return tree


def _op(scores: Scores, model: str, budget: str, method: str) -> float:
    full = scores[model]["100%"]["Original"]
    ratios = [score / full[name] for name, score in scores[model][budget][method].items()]
    return math.sqrt(sum(ratio**2 for ratio in ratios) / len(ratios))


def _og(scores: Scores, budget: str, method: str) -> float:
    names = next(iter(scores.values()))["100%"]["Original"]
    means = [
        fmean(models[budget][method][name] / models["100%"]["Original"][name] for models in scores.values())
        for name in names
    ]
    return 100 * pstdev(means) / fmean(means)


@pytest.fixture(scope="module")
def compared() -> list[dict[str, Any]]:
    return paper.compare().to_pylist()


@pytest.mark.parametrize(("name", "n"), [("token_pruning", (27, 9)), ("weights", (11, 11))])
def test_every_cell_is_what_plain_python_gives(name: str, n: tuple[int, int]) -> None:
    scores = _scores(name)
    rows = paper.recompute(read(paper.ROOT / f"{name}.json")).to_pylist()
    assert Counter(row["metric"] for row in rows) == {"OP": n[0], "OG": n[1]}
    for row in rows:
        where = (row["budget"], row["method"])
        wanted = _op(scores, row["model"], *where) if row["metric"] == "OP" else _og(scores, *where)
        assert math.isclose(row["recomputed"], wanted, rel_tol=0, abs_tol=1e-7), row


def test_every_printed_number_is_the_papers(compared: list[dict[str, Any]]) -> None:
    tokens = [number for numbers in TOKENS.values() for number in numbers.split()]
    loyalty = [number.split() for number in LOYALTY.values()]
    assert [row["printed"] for row in compared] == [
        *tokens,
        *WEIGHTS.split(),
        *(number for numbers in loyalty for number in numbers[:2]),
        *(number for numbers in loyalty for number in numbers[2:]),
    ]
    assert [row["model"] for row in compared[:27]] == [model for model in TOKENS for _ in range(9)]
    assert [row["method"] for row in compared[:27]] == ["FastV", "VisionZip", "PruMerge+"] * 9
    assert [row["method"] for row in compared[38:56]] == [method for method in LOYALTY for _ in range(2)]


def test_a_match_is_equal_to_the_printed_digits(compared: list[dict[str, Any]]) -> None:
    found = {metric: Counter(row["outcome"] for row in compared if row["metric"] == metric) for metric in ("OP", "OG")}
    assert found["OP"] == {"match": 35, "within 0.0011": 1, "probable misprint": 2}
    assert found["OG"] == {"match": 2, "differs": 4, "not recomputable": 12}
    scores = {**_scores("token_pruning"), "weights": _scores("weights")["LLaVA-OV-7B"]}
    for row in compared[:38]:
        digits = len(row["printed"].split(".")[1])
        model = row["model"] if row["budget"] in ("1%", "10%", "40%") else "weights"
        is_equal = f"{_op(scores, model, row['budget'], row['method']):.{digits}f}" == row["printed"]
        assert is_equal == (row["outcome"] == "match"), row


def test_misprints_and_differences_are_named_with_their_size(compared: list[dict[str, Any]]) -> None:
    other = {
        (row["metric"], row["model"], row["method"], row["budget"]): (row["outcome"], round(row["difference"], 4))
        for row in compared
        if row["outcome"] not in ("match", "not recomputable")
    }
    assert other == {
        ("OP", "InternVL2.5-38B", "PruMerge+", "10%"): ("probable misprint", 0.0095),
        ("OP", "InternVL2.5-38B", "PruMerge+", "40%"): ("probable misprint", 0.0135),
        ("OP", "LLaVA-OV-7B", "SparseGPT", "80%"): ("within 0.0011", 0.0011),
        ("OG", None, "FastV", "1%"): ("differs", -0.014),
        ("OG", None, "FastV", "40%"): ("differs", -0.0652),
        ("OG", None, "VisionZip", "1%"): ("differs", 0.1021),
        ("OG", None, "VisionZip", "40%"): ("differs", 0.5975),
    }


# half of the last digit that the tables print; OCRBench counts right answers, which need no rounding
HALF_A_DIGIT = {"DocVQA": 0.5, "OCRBench": 0.0, "MME": 0.05, "MathVista": 0.05, "LLaVA-Wilder": 0.05, "MMVet": 0.05}


def _most_by_rounding(scores: Scores, budget: str, method: str, number: Callable[[], float]) -> float:
    """Move each score by half a digit in turn; in the worst case all these changes add up."""
    start, most = number(), 0.0
    for models in scores.values():
        for row in (models["100%"]["Original"], models[budget][method]):
            for name, score in row.items():
                row[name] = score + HALF_A_DIGIT.get(name, 0.005)
                most += abs(number() - start)
                row[name] = score
    return most


def test_rounding_explains_what_it_is_said_to(compared: list[dict[str, Any]]) -> None:
    explained = [row for row in compared if row["why"] and "rounding" in row["why"]]
    assert len(explained) == 7
    for row in explained:
        budget, method, model = row["budget"], row["method"], row["model"]
        scores = _scores("weights" if method == "SparseGPT" else "token_pruning")
        if row["metric"] == "OP":
            scores = {model: scores[model]}
            number = partial(_op, scores, model, budget, method)
        else:
            number = partial(_og, scores, budget, method)
        most = _most_by_rounding(scores, budget, method, number)
        half_a_printed_digit = 0.5 * 10 ** -len(row["printed"].split(".")[1])
        is_within = abs(row["difference"]) <= most + half_a_printed_digit
        assert is_within == row["why"].startswith("within"), (row, most)


def test_what_cannot_be_recomputed_says_why(compared: list[dict[str, Any]]) -> None:
    silent = [row for row in compared if row["recomputed"] is None and not row["why"]]
    assert len(compared) == 38 + 18 + 18
    assert silent == []
    assert all((row["outcome"] == "not recomputable") == (row["recomputed"] is None) for row in compared)


def test_everything_is_as_documented(capsys: pytest.CaptureFixture[str]) -> None:
    cli.call(["verify-paper"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 74 + 1 + 4
    assert lines[-4] == "OP: of 38 printed, 35 match, 2 probable misprint, 1 within 0.0011"


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        (("LLaVA-OV-7B", "10%", "FastV", "DocVQA"), 20.0),  # a match
        (("InternVL2.5-38B", "40%", "PruMerge+", "DocVQA"), 30.0),  # a misprint of another size
    ],
)
def test_a_lost_match_fails_and_is_named(cell: tuple[str, str, str, str], score: float, tmp_path: Path) -> None:
    shutil.copytree(paper.ROOT, tmp_path, dirs_exist_ok=True)
    model, budget, method, benchmark = cell
    path = tmp_path / "token_pruning.json"
    tree = json.loads(path.read_text())
    tree[model][budget][method][benchmark] = score
    path.write_text(json.dumps(tree))
    with pytest.raises(RunError, match=r"of 74 printed numbers are not as documented: ") as lost:
        command.verify(tmp_path, form="csv")
    assert f"OP {model} {method} {budget}" in str(lost.value)
    assert lost.value.exit_status == 1


def test_a_number_without_scores_is_lost_and_not_left_out(tmp_path: Path) -> None:
    shutil.copytree(paper.ROOT, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "token_pruning.json"
    tree = json.loads(path.read_text())
    for model in TOKENS:
        del tree[model]["10%"]["VisionZip"]
    path.write_text(json.dumps(tree))
    with pytest.raises(RunError, match="3 of 74 printed numbers"):
        command.verify(tmp_path, form="json")


def test_formats_hold_the_same_rows(capsys: pytest.CaptureFixture[str], compared: list[dict[str, Any]]) -> None:
    cli.call(["verify-paper", "--format", "json"])
    as_json = json.loads(capsys.readouterr().out)
    cli.call(["verify-paper", "--format", "csv"])
    as_csv = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for row in compared:
        del row["is_as_documented"]
    assert as_json == compared
    assert as_csv == [{key: "" if value is None else str(value) for key, value in row.items()} for row in compared]
