"""Fixtures: stores of synthetic grids, and the report of one that lacks nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import duckdb
import pytest
from synthetic_grid import Grid, build

from leanvlm.report.page import page


@pytest.fixture(scope="session")
def store_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Grid], duckdb.DuckDBPyConnection]:
    """Open, read-only, the store of a grid; equal grids share one file."""
    folder = tmp_path_factory.mktemp("stores")

    @cache
    def opened(grid: Grid) -> duckdb.DuckDBPyConnection:
        path = build(folder / f"{abs(hash(grid))}.duckdb", grid)
        return duckdb.connect(str(path), read_only=True)

    return opened


@pytest.fixture(scope="session")
def whole(store_of: Callable[[Grid], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
    """The store of a grid that lacks nothing."""
    return store_of(Grid())


@pytest.fixture(scope="session")
def html(whole: duckdb.DuckDBPyConnection) -> str:
    """The report of a grid that lacks nothing."""
    return page.render(whole, n_flips=10)
