"""The section on speed: from where on a recipe pays, how steady the machine was, and what the device's limits are."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from leanvlm.report import queries
from leanvlm.report.speed import along, roofline
from tests.report.synthetic_grid import WASTEFUL, Grid

Stores = Callable[[Grid], duckdb.DuckDBPyConnection]


def test_a_recipe_pays_from_where_it_is_faster_for_good(store_of: Stores) -> None:
    [plot] = along.plots(store_of(Grid()))
    assert plot["title"] == "end to end, over prompts at once"
    [said] = plot["said"]
    assert said["recipe"] == WASTEFUL
    speed = queries.rows(store_of(Grid()), "speed/along")
    surely = [row["amount"] for row in speed if row["verdict"] == "faster"]
    assert said["pays"] == f"faster from {min(surely)}"
    assert plot["svg"].count("<circle") == 2


def test_the_roof_is_the_devices_and_no_dot_is_above_it(store_of: Stores) -> None:
    [plot] = roofline.plots(store_of(Grid()))
    assert (plot["flops"], plot["bandwidth"]) == ("100 GFLOP/s", "10 GB/s")
    for row in plot["rows"]:
        assert row["reached"] == row["share_of_flops"] * 1e11
        assert row["intensity"] > 0


def test_a_busy_machine_is_said(store_of: Stores) -> None:
    [row] = queries.rows(store_of(Grid()), "../clock/steadiness")
    assert (row["n_processes"], row["n_busy"], row["worst"]) == (5, 5, 2.0)


def test_without_timings_there_is_nothing_to_draw(store_of: Stores) -> None:
    store = store_of(Grid(has_timings=False))
    assert (along.plots(store), roofline.plots(store)) == ([], [])
