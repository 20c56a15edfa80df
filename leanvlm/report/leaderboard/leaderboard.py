"""Prepare the leaderboard's rows: budgets, ranks and verdicts as words."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from leanvlm.report import queries, words
from leanvlm.report.queries import Row

VERDICTS = {"better": "beats", "tie": "no better than", "worse": "worse than"}
SPEEDUPS = tuple(f"{phase}_speedup{end}" for phase in ("total", "prefill", "decode") for end in ("", "_low", "_high"))
UNMEASURED: Row = dict.fromkeys(SPEEDUPS) | {"is_on_speed_front": False, "is_on_memory_front": False}
HAS_CONTROLS = ("tokens", "cache")  # families for which controls exist


def rows(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return one row per model and recipe, best first within family and setting, controls last."""
    gains = {_key(row): row for row in queries.rows(connection, "leaderboard/efficiency")}
    board = queries.rows(connection, "leaderboard/leaderboard")
    return [_worded(row | gains.get(_key(row), UNMEASURED)) for row in board]


def _key(row: Row) -> tuple[str, str]:
    return row["model"], row["recipe"]


def _worded(row: Row) -> Row:
    return row | {
        "asked_text": _budgets(row["parts"], "budget") or words.MISSING,
        "achieved_text": _budgets(row["parts"], "achieved_budget"),
        "rank_text": _rank(row),
        "verdict": _verdict(row),
    }


def _budgets(parts: Sequence[Row], column: str) -> str:
    """Join the budgets of a recipe's parts; empty where no part has one."""
    return " + ".join(words.budget(part[column]) for part in parts if part[column] is not None)


def _rank(row: Row) -> str:
    best, worst = row["best_rank"], row["worst_rank"]
    if best is None:
        return "control" if row["is_control"] else words.MISSING
    return f"{best}" if best == worst else f"{best}–{worst} tie"


def _verdict(row: Row) -> str:
    if row["is_control"]:
        return words.MISSING
    if not row["verdicts"]:
        return "missing: no control at this setting" if row["family"] in HAS_CONTROLS else "none of its kind"
    found = {kind: [one["control"] for one in row["verdicts"] if one["verdict"] == kind] for kind in VERDICTS}
    return "; ".join(
        f"{VERDICTS[kind]} {', '.join(words.short(name) for name in names)}" for kind, names in found.items() if names
    )
