"""Ranks and their intervals, computed once more with plain loops over the stored replicates."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
import pytest

from leanvlm import store
from tests.metrics.random_grid import random_grid
from tests.metrics.stores import RESAMPLES, computed

Performances = dict[str, list[float]]  # a recipe's, replicate by replicate


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Connection]:
    with computed(tmp_path_factory.mktemp("grid"), random_grid(0)) as connection:
        yield connection


def contests(connection: store.Connection) -> Iterator[tuple[list[dict[str, Any]], Performances]]:
    """Yield the recipes of each model, family and setting, with their performances in the replicates."""
    found = connection.sql("from rank_stability order by model, family, setting").to_arrow_table().to_pylist()
    acts_on = dict(connection.sql("select distinct recipe, acts_on from steps.counted_cells").fetchall())
    drawn = {
        (model, recipe, scope, replicate): round(performance, 12)
        for model, recipe, scope, replicate, performance in connection.sql(
            "select model, recipe, scope, replicate, overall_performance from steps.performance"
        ).fetchall()
    }
    for _, group in groupby(found, key=lambda row: (row["model"], row["family"], row["setting"])):
        rows = list(group)
        scopes = {row["recipe"]: "sensitive" if acts_on[row["recipe"]] == "cache" else "all" for row in rows}
        yield (
            rows,
            {
                row["recipe"]: [
                    drawn[row["model"], row["recipe"], scopes[row["recipe"]], replicate]
                    for replicate in range(1, RESAMPLES + 1)
                ]
                for row in rows
            },
        )


def test_the_interval_of_a_rank_is_that_of_its_replicates(grid: store.Connection) -> None:
    narrower = 0
    for rows, drawn in contests(grid):
        for row in rows:
            mine = drawn[row["recipe"]]
            ranks = [1 + sum(other[i] > mine[i] for other in drawn.values()) for i in range(RESAMPLES)]
            low, high = np.quantile(ranks, [0.025, 0.975], method="inverted_cdf")
            assert (row["low"], row["high"]) == (low, high), row
            assert row["probability_best"] == pytest.approx(ranks.count(1) / RESAMPLES, abs=1e-9)
            assert row["rank_stability"] == pytest.approx(ranks.count(row["rank"]) / RESAMPLES, abs=1e-9)
            narrower += (low, high) != (min(ranks), max(ranks))
    assert narrower > 0  # else max - min would pass


def test_a_rival_is_ahead_only_beyond_the_error_of_the_paired_difference(grid: store.Connection) -> None:
    narrower = 0
    for rows, drawn in contests(grid):
        for row in rows:
            leads = [np.subtract(other, drawn[row["recipe"]]) for other in drawn.values()]
            ends = [np.quantile(lead, [0.025, 0.975]) for lead in leads]
            best, worst = sum(round(low, 6) > 0 for low, _ in ends), sum(round(high, 6) < 0 for _, high in ends)
            assert (row["best_rank"], row["worst_rank"]) == (1 + best, len(leads) - worst), row
            narrower += best != sum(round(lead.min(), 6) > 0 for lead in leads)
    assert narrower > 0
