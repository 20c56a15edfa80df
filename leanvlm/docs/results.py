"""README's table of results, from artifacts/summary.json: the best recipe of each family and setting."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leanvlm.docs import blocks
from leanvlm.errors import InputError
from leanvlm.report import words
from leanvlm.report.queries import Row

FAMILIES = ("tokens", "cache", "weights", "combined")
REFERENCES = ("controls/full", "controls/blind")  # what the other numbers lie between
HEAD = "| family | setting | best recipe | accuracy kept (95 %) | worst | speed | memory | against its control |"
RULE = "|---|---|---|---:|---:|---:|---:|---|"
SENSITIVE_MARK = "\\*"
NOTE = f"{SENSITIVE_MARK} over benchmarks with answers long enough for a cache recipe to change them."
VERDICTS = {"better": "better", "tie": "**no better**", "worse": "**worse**", "none": words.MISSING}


def read(path: Path) -> dict[str, Any]:
    """Read the summary that the report wrote.

    Raises: InputError where it is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"there is no {path}; run this in the project's root, after `dvc repro report`")
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        table(summary)  # which shows whether all that is read of it is there
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is no summary ({error}); run `make repro`, which writes it anew") from None
    return summary


def table(summary: dict[str, Any]) -> str:
    """Write the table in Markdown: the best recipe of each family and setting, between full and blind."""
    answers, timings = summary["answers"], summary["timings"]
    speed = {(row["model"], row["recipe"]): row["total_speedup"] for row in timings["recipes"]}
    lines = [_said(answers, timings)]
    for model in answers["models"]:
        rows = [row for row in answers["recipes"] if row["model"] == model]
        lines += ["", *([f"**{model}**", ""] if len(answers["models"]) > 1 else []), HEAD, RULE]
        lines += [_line(row, rows, speed.get((model, row["recipe"]))) for row in _best(rows)]
    if any(row["acts_on"] == "cache" for row in answers["recipes"]):
        lines += ["", NOTE]
    return "\n".join(lines)


def _best(rows: Sequence[Row]) -> list[Row]:
    """Return the references and, family by family, the best recipe at each setting, best setting first."""
    references = [row for name in REFERENCES for row in rows if row["recipe"] == name]
    ranked = sorted(rows, key=lambda row: (-(row["ranked_performance"] or 0.0), row["recipe"]))
    firsts: dict[tuple[str, str], Row] = {}
    for row in ranked:
        if row["family"] in FAMILIES:
            firsts.setdefault((row["family"], row["setting"]), row)
    return references[:1] + sorted(firsts.values(), key=lambda row: FAMILIES.index(row["family"])) + references[1:]


def _line(row: Row, rows: Sequence[Row], speedup: float | None) -> str:
    low, high = row["ranked_performance_low"], row["ranked_performance_high"]
    interval = "" if low is None else f" ({words.percent_range(low, high)})"
    mark = SENSITIVE_MARK if row["acts_on"] == "cache" else ""
    cells = (
        row["family"],
        row["setting"] or words.MISSING,
        f"`{row['recipe']}`{_ties(row, rows)}",
        f"{words.percent(row['ranked_performance'])} %{mark}{interval}",
        f"{words.percent(row['worst_accuracy_kept'])} % {row['worst_benchmark'] or ''}".strip(),
        words.times(speedup),
        words.budget(row["memory_kept"]),
        "control" if row["is_control"] else VERDICTS[row["verdict_kind"]],
    )
    return blocks.row(cells)


def _ties(row: Row, rows: Sequence[Row]) -> str:
    group = [other for other in rows if (other["family"], other["setting"]) == (row["family"], row["setting"])]
    n_ties = sum(other["best_rank"] == 1 for other in group if other is not row)
    return f", ties with {n_ties} more" if n_ties and row["best_rank"] == 1 else ""


def _said(answers: dict[str, Any], timings: dict[str, Any]) -> str:
    recipes = words.count(len({row["recipe"] for row in answers["recipes"]}), "recipe")
    questions = words.count(answers["n_samples"], "question")
    benchmarks = words.count(len(answers["benchmarks"]), "benchmark")
    timed = f"Timed on {', '.join(timings['devices'])}." if timings["devices"] else "Not timed."
    return f"{recipes} on {questions} from {benchmarks}; the best of each family and setting. {timed}"
