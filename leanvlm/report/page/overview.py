"""Say in sentences what was run, and warn of what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from leanvlm.report import queries, words
from leanvlm.report.queries import Row


def words_for(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the page's first sentence (`ran`) and its warnings."""
    row = queries.rows(connection, "page/overview")[0]
    return {"ran": _ran(row), "warnings": _warnings(row)}


def sensitivity(cells: Sequence[Row]) -> str:
    """Say which benchmarks cache recipes are ranked by; nothing without a cache recipe."""
    if not any(cell["acts_on"] == "cache" for cell in cells):
        return ""
    blunt = _insensitive(cells)
    if not blunt:
        return "Cache recipes are ranked over all benchmarks, like all others: all are sensitive to the cache."
    return (
        "Cache recipes evict after the first answer token is settled, so short answers cannot tell them "
        f"apart: they are ranked by OP over sensitive cells only, that is without {', '.join(blunt)}."
    )


def comparable(cells: Sequence[Row]) -> str:
    """Say which benchmarks all families can be compared by; nothing where that is all of them."""
    blunt = _insensitive(cells)
    n_benchmarks = len({cell["benchmark"] for cell in cells})
    if not blunt or len(blunt) == n_benchmarks:
        return ""
    left_out = ", ".join(blunt)
    return f"To compare families, OP here leaves out {left_out}, which cache recipes cannot disturb."


def _insensitive(cells: Sequence[Row]) -> list[str]:
    return sorted({cell["benchmark"] for cell in cells if not cell["is_sensitive_to_cache"]})


def _ran(row: Row) -> str:
    what = (
        f"{words.count(row['n_recipes'], 'recipe')}, {words.count(row['n_controls'], 'control')} among them, "
        f"on {', '.join(row['models'])}: {words.count(row['n_samples'], 'question')} from "
        f"{words.count(len(row['benchmarks']), 'benchmark')} ({', '.join(row['benchmarks'])})"
    )
    timed = f"{what}, timed on {', '.join(row['devices'])}." if row["devices"] else f"{what}, not timed."
    return f"{timed}{_noise(row['rebatched_loyalty'])}"


def _noise(loyalty: float | None) -> str:
    """Say how loyal the model is to itself, if that was measured."""
    if loyalty is None:
        return ""
    return f" In another batch the full model repeats {loyalty:.1%} of its answers: the noise floor of OL."


def _warnings(row: Row) -> list[str]:
    unjudged = ", ".join(row["without_control"])
    candidates = {
        "No timings were recorded: speed-ups are missing; run `dvc repro clock` to measure them.": not row["devices"],
        f"No control of equal budget was run for {unjudged}: there is no telling luck.": unjudged,
        "Some intervals are missing, so differences there cannot be told from noise.": row["n_without_interval"],
        f"{words.count(row['n_skips'], 'cell')} of the grid did not run; reasons are under Not run.": row["n_skips"],
    }
    return [sentence for sentence, is_true in candidates.items() if is_true]
