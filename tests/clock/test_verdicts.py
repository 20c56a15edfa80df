"""What the interval promises, on seconds that are drawn with a known spread between processes and within them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import scipy.stats

from tests.metrics.stores import computed

PROCESSES, REPEATS = 5, 3
BETWEEN, WITHIN = 0.01, 0.02  # standard deviations of the logarithm of a ratio
N_RUNS = 20


def a_run(seed: int, recipes: dict[str, float]) -> list[dict[str, Any]]:
    """Draw the timings of one run: recipes and how many times faster than the full model they are."""
    rng = random.Random(seed)
    rows = []
    for process in range(PROCESSES):
        for recipe, gain in recipes.items():
            shift = rng.gauss(0, BETWEEN)
            for repeat in range(REPEATS):
                seconds = 1 / gain * 2.718281828 ** rng.gauss(shift, WITHIN)
                named = {"model": "m", "recipe": recipe, "device": "d", "phase": "total", "axis": "none"}
                rows.append(named | {"process": process, "repeat": repeat, "is_shape_only": False,
                                     "seconds": seconds, "full_seconds": 1.0})  # fmt: skip
    return rows


def found(folder: Path, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    with computed(folder, {"timings": rows}, wanted="overall_efficiency") as connection:
        return {row["recipe"]: row for row in connection.sql("from overall_efficiency").to_arrow_table().to_pylist()}


def test_the_table_of_t_is_students(tmp_path: Path) -> None:
    with computed(tmp_path, {}, wanted="overall_efficiency") as connection:
        for n in range(1, 31):
            [(told,)] = connection.sql(f"select student_t({n})").fetchall()
            assert float(told) == pytest.approx(scipy.stats.t.ppf(0.975, n), abs=5e-5)


def test_what_is_no_faster_is_called_so_in_nineteen_of_twenty(tmp_path: Path) -> None:
    verdicts = found(tmp_path, a_run(1, {f"r{index}": 1.0 for index in range(N_RUNS)}))
    assert sum(row["verdict"] == "no real speed-up" for row in verdicts.values()) >= 19


def test_five_percent_are_found_with_their_size(tmp_path: Path) -> None:
    planted = found(tmp_path, a_run(2, {f"r{index}": 1.05 for index in range(N_RUNS)}))
    assert sum(row["verdict"] == "faster" for row in planted.values()) >= 19
    assert all(row["low"] < 1.05 < row["high"] for row in planted.values())


def test_another_run_lies_within_the_interval_nine_times_in_ten(tmp_path: Path) -> None:
    recipes = {f"r{index}": 1 + index / 10 for index in range(40)}
    one, other = (found(tmp_path, a_run(seed, recipes)) for seed in (3, 4))
    within = [one[recipe]["low"] < other[recipe]["overall_efficiency"] < one[recipe]["high"] for recipe in recipes]
    assert sum(within) >= 0.9 * len(recipes)
