"""Choose what the first screen names: for each benchmark and prefill speed the recipe that keeps most."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from leanvlm.choice import candidates
from leanvlm.choice.candidates import Candidate
from leanvlm.choice.choose import choose
from leanvlm.choice.demands import Demand
from leanvlm.report import queries
from leanvlm.report.queries import Row

SPEEDUPS = (1.5, 2.0, 3.0)  # of prefill, times the full model's
OVERALL = "op"  # stands for all benchmarks together
ENOUGH = 0.97  # of OP, for a reader who asks for speed without loss; as in the example of `leanvlm recommend`


def table(connection: duckdb.DuckDBPyConnection, *, model: str, benchmarks: Sequence[str]) -> Row:
    """Return `rows`, one per benchmark and a last one for all of them, with a cell per speed.

    Beside them: the `fastest` recipe of all, and the `keeper`, the fastest that keeps enough.
    """
    devices = {row["model"]: row["device"] for row in queries.rows(connection, "best/clocks")}
    found = candidates.read(connection, model=model, device=devices.get(model))
    rows = [
        {"name": name, "is_overall": name == OVERALL, "cells": [_cell(found, name, speedup) for speedup in SPEEDUPS]}
        for name in (*benchmarks, OVERALL)
    ]
    return {
        "rows": rows,
        "fastest": _fastest(found, []),
        "keeper": _fastest(found, [Demand(OVERALL, ENOUGH)]),
        "enough": ENOUGH,
    }


def _fastest(found: Sequence[Candidate], demands: Sequence[Demand]) -> Row | None:
    """Name the recipe that starts fastest of those that meet all demands."""
    best = choose([one for one in found if not one.is_control], demands, by="prefill").best
    if best is None:
        return None
    kept = _named(best, OVERALL) if OVERALL in best.measured else {"recipe": best.recipe}
    return kept | {"prefill": best.measured["prefill"].value}


def _cell(found: Sequence[Candidate], name: str, speedup: float) -> Row:
    """Say which recipe keeps most at a speed; `recipe` is None where none qualifies."""
    demands = [Demand("prefill", speedup)]
    choice = choose([one for one in found if not one.is_control], demands, by=name)
    rival = choose([one for one in found if one.is_control], demands, by=name).best
    if choice.best is None:
        return {"speedup": speedup, "recipe": None, "control": _named(rival, name)}
    return _named(choice.best, name) | {
        "speedup": speedup,
        "prefill": choice.best.measured["prefill"].value,
        "n_ties": len(choice.ties),
        "verdict": choice.best.verdict,
        "control": _named(rival, name),
        "is_earned": rival is None or choice.best.measured[name].value > rival.measured[name].value,
    }


def _named(candidate: Candidate | None, name: str) -> Row:
    if candidate is None:
        return {"recipe": None}
    kept = candidate.measured[name]
    return {"recipe": candidate.recipe, "kept": kept.value, "low": kept.low, "high": kept.high}
