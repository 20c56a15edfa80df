"""Intervals and draws, computed once more in Python from the stored steps; and the two products of matrices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leanvlm import store
from leanvlm.metrics import sums, tally
from leanvlm.store.query import Limits, answer, open_locked
from tests.metrics.random_grid import random_grid
from tests.metrics.stores import BY_NAME, RESAMPLES, computed

LIMITS = Limits(seconds=60, megabytes=2000)
STEPS = [24109, 48219, 60273, 64292, 65296, 65497, 65531]  # of the distribution function of Poisson(1), times 65536
CELL = ("model", "recipe", "benchmark")
# every published interval that comes from replicates: what it is of, in which step's rows
MEANS = {
    "accuracy": (CELL, "accuracy", "mean_grade"),
    "accuracy_kept": (CELL, "kept", "accuracy_kept"),
    "accuracy_above_blind": (CELL, "above_blind", "accuracy_above_blind"),
    "loyalty": ((*CELL, "matching_rule"), "loyalty where scope = 'all'", "loyalty"),
    "overall_performance": (("model", "recipe", "scope"), "ratios", "accuracy_kept"),
    "overall_generalization": (("recipe", "scope"), "ratios", "accuracy_kept"),
    "overall_above_blind": (("model", "recipe", "scope"), "above_blind", "accuracy_above_blind"),
    "loyalty_by_rule": (("model", "recipe", "matching_rule", "scope"), "loyalty", "loyalty"),
}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Connection]:
    with computed(tmp_path_factory.mktemp("grid"), random_grid(0)) as connection:
        yield connection


def rows(connection: store.Connection, query: str) -> list[dict[str, Any]]:
    return connection.sql(query).to_arrow_table().to_pylist()


def test_draws_are_those_of_md5(grid: store.Connection) -> None:
    for row in rows(grid, "select distinct benchmark, picture, times from steps.samples join steps.draws "
                          "using (benchmark, picture_index)")[::7]:  # fmt: skip
        digests = [
            hashlib.md5(f"0|{row['benchmark']}|{row['picture']}|{block}".encode()).digest() for block in range(25)
        ]
        chances = [_number(half) >> 16 * part & 65535 for one in digests for half in _halves(one) for part in range(4)]
        assert row["times"] == [1, *(sum(chance >= step for step in STEPS) for chance in chances)][: RESAMPLES + 1]


def _halves(digest: bytes) -> tuple[bytes, bytes]:
    return digest[HALVES[0]], digest[HALVES[1]]


HALVES = (slice(0, 8), slice(8, 16))  # DuckDB's upper number is that of the first eight bytes


def _number(half: bytes) -> int:
    return int.from_bytes(half, "little")


@pytest.mark.parametrize("name", sums.STEPS)
def test_the_product_of_matrices_is_what_the_sql_says(name: str, grid: store.Connection) -> None:
    product = BY_NAME[name]
    columns = ", ".join(column for (column, *_) in grid.execute(f"describe {product.table}").fetchall())
    plain = grid.execute(f"select {columns} from ({product.sql}) order by all").fetchall()
    assert grid.execute(f"from {product.table} order by all").fetchall() == plain
    assert len(plain) > 1000


@pytest.mark.parametrize("name", MEANS)
def test_an_interval_is_the_quantiles_of_the_replicates(name: str, grid: store.Connection) -> None:
    keys, step, value = MEANS[name]
    found = {tuple(row[key] for key in keys): row for row in rows(grid, f"from {name}")}
    drawn: dict[tuple[Any, ...], dict[int, dict[tuple[Any, ...], float]]] = {}
    for row in _scoped(rows(grid, f"from steps.{step}"), name, grid):
        if row[value] is not None:
            within = drawn.setdefault(tuple(row[key] for key in keys), {}).setdefault(row["replicate"], {})
            within[row["model"], row["benchmark"]] = row[value]
    checked = 0
    for key, row in found.items():
        if row["low"] is None:
            continue
        values = [_overall(name, drawn[key][replicate]) for replicate in sorted(drawn[key]) if replicate > 0]
        low, high = np.quantile(values, [0.025, 0.975])
        assert np.allclose([row["low"], row["high"]], [low, high], rtol=0, atol=2e-9), key
        assert abs(row[name] - _overall(name, drawn[key][0])) < 2e-9
        checked += low < high
    assert checked > 5


def _scoped(found: list[dict[str, Any]], name: str, grid: store.Connection) -> list[dict[str, Any]]:
    """Add scopes where the step has none: all cells that count, and those of them that are sensitive."""
    if name != "overall_above_blind":
        return found
    counted = {tuple(row[key] for key in CELL) for row in rows(grid, "from accuracy_above_blind")
               if row["accuracy_above_blind"] is not None}  # fmt: skip
    sensitive = {tuple(row[key] for key in CELL) for row in rows(grid, "from steps.sensitive_cells")}
    kept = [row for row in found if tuple(row[key] for key in CELL) in counted]
    return [row | {"scope": "all"} for row in kept] + [
        row | {"scope": "sensitive"} for row in kept if tuple(row[key] for key in CELL) in sensitive
    ]


def _overall(name: str, values: dict[tuple[str, str], float]) -> float:
    if name == "overall_performance":
        return float(np.sqrt(np.mean(np.square(list(values.values())))))
    if name == "overall_generalization":
        benchmarks = {benchmark for _, benchmark in values}
        kept = [np.mean([v for (_, own), v in values.items() if own == benchmark]) for benchmark in benchmarks]
        return float(100 * np.std(kept) / np.mean(kept))
    return float(np.mean(list(values.values())))


@pytest.mark.parametrize("name", ["beats_control", "interaction"])
def test_intervals_of_comparisons_are_the_quantiles_of_the_replicates(name: str, grid: store.Connection) -> None:
    """Plain loops over the same replicates; one control, or one combined recipe, after the other."""
    kept = {(*(row[key] for key in CELL), row["replicate"]): row for row in rows(grid, "from steps.kept")}
    cells = rows(grid, "from steps.control_cells" if name == "beats_control" else "from steps.part_recipes")
    for row in rows(grid, f"from {name}"):
        own = [cell for cell in cells if all(cell[k] == row[k] for k in ("model", "recipe", "control") if k in cell)]
        values = [_compared(name, row, own, kept, grid, replicate) for replicate in range(1, RESAMPLES + 1)]
        low, high = np.quantile(values, [0.025, 0.975])
        assert np.allclose([row["low"], row["high"]], [low, high], rtol=0, atol=2e-9), row
        assert low < high


def _compared(
    name: str,
    row: dict[str, Any],
    own: list[dict[str, Any]],
    kept: dict[Any, Any],
    grid: store.Connection,
    replicate: int,
) -> float:
    model, recipe = row["model"], row["recipe"]
    if name == "interaction":
        benchmarks = sorted({key[2] for key in kept if key[:2] == (model, recipe)})
        losses = [
            1 - kept[model, recipe, b, replicate]["accuracy_kept"]
            - sum(1 - kept[model, part["part_recipe"], b, replicate]["accuracy_kept"] for part in own)
            for b in benchmarks
        ]  # fmt: skip
        return float(np.mean(losses))
    means = _means(grid)
    by_benchmark: dict[str, list[float]] = {}
    for cell in own:
        b = cell["benchmark"]
        by_benchmark.setdefault(b, []).append(
            means[model, recipe, b, replicate] - means[model, cell["control_recipe"], b, replicate]
        )
    return float(np.mean([np.mean(values) for values in by_benchmark.values()]))


_cache: dict[int, dict[Any, float]] = {}


def _means(grid: store.Connection) -> dict[Any, float]:
    if id(grid) not in _cache:
        found = rows(grid, "from steps.accuracy")
        _cache[id(grid)] = {(*(row[key] for key in CELL), row["replicate"]): row["mean_grade"] for row in found}
    return _cache[id(grid)]


def test_every_metric_and_step_can_be_pasted_into_a_query(grid: store.Connection, tmp_path: Path) -> None:
    """What `leanvlm sql` does: a read-only store, one statement, no variables; it gives what is stored."""
    path = tmp_path / "store.duckdb"
    grid.execute(f"attach '{path}' as copied; copy from database memory to copied; detach copied")
    with open_locked(path, limits=LIMITS) as connection:
        for metric in tally.metrics():
            columns = [name for (name, *_) in connection.execute(f"describe {metric.table}").fetchall()]
            both = (
                f"select {', '.join(columns)} from ({metric.sql})",
                f"select {', '.join(columns)} from {metric.table}",
            )
            for one, other in (both, both[::-1]):
                counted = f"select count(*) from (({one}) except all ({other}))"
                assert answer(connection, counted, limits=LIMITS)[1] == [(0,)], metric.name
