"""Write the report's numbers as a small JSON that git keeps: what is reproducible apart from what is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import duckdb

from leanvlm.report import queries
from leanvlm.report.leaderboard import leaderboard
from leanvlm.report.queries import Row

DIGITS = 6  # more would turn noise into differences between machines; fewer, and README would round a number twice
NAMES = ("model", "recipe")
ANSWERS = (
    "family",
    "acts_on",
    "setting",
    "is_control",
    "overall_performance",
    "overall_performance_low",
    "overall_performance_high",
    "ranked_performance",
    "ranked_performance_low",
    "ranked_performance_high",
    "mean_accuracy_kept",
    "worst_accuracy_kept",
    "worst_benchmark",
    "overall_generalization",
    "overall_loyalty",
    "memory_kept",
    "best_rank",
    "worst_rank",
    "verdict",
    "verdict_kind",
)


def summarise(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return `answers`, which every run of the same grid repeats, and `timings`, which no run does."""
    board = leaderboard.rows(connection)
    overview = queries.rows(connection, "page/overview")[0]
    return {
        "answers": {
            "models": overview["models"],
            "benchmarks": overview["benchmarks"],
            "n_samples": overview["n_samples"],
            "recipes": _chosen(board, ANSWERS),
        },
        "timings": {
            "devices": overview["devices"],
            "recipes": _chosen([row for row in board if row["total_speedup"] is not None], leaderboard.SPEEDUPS),
        },
    }


def dumps(summary: dict[str, Any]) -> str:
    """Write a summary as text: sorted keys, one per line, so that a diff shows what changed."""
    return json.dumps(summary, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _chosen(rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    chosen = [{column: _rounded(row[column]) for column in (*NAMES, *columns)} for row in rows]
    return sorted(chosen, key=lambda row: (row["model"], row["recipe"]))


def _rounded(value: Any) -> Any:
    return round(value, DIGITS) if isinstance(value, float) else value
