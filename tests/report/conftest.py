"""Fixtures: stores of synthetic grids, and the report of one that lacks nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import pytest

from leanvlm.report.page import page
from tests.report import hostile
from tests.report.synthetic_grid import RECIPES, Grid, build, spell_row
from tests.report.test_report_ablation import ABLATED

FEW = (  # one of each family, with the controls that they are compared with
    "controls/full",
    "controls/blind",
    "controls/random_tokens@10%",
    "controls/random_tokens@10%:seed=1",
    "controls/random_cache@10%",
    "tokens/fastv@10%",
    "tokens/visionzip@10%",
    "cache/snapkv@10%",
    "weights/wanda@2:4",
)


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


@pytest.fixture(scope="session")
def spelt_stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, duckdb.DuckDBPyConnection]:
    """Two stores of one small grid of two models: the texts of one act as markup, those of the other cannot."""
    grid = Grid(models=("embedded", "second"), left_out=tuple(set(RECIPES) - set(FEW)))
    folder = tmp_path_factory.mktemp("spelt")
    acting = build(folder / "hostile.duckdb", grid, spell=hostile.hostile)
    tame = Path(shutil.copy(acting, folder / "harmless.duckdb"))
    with duckdb.connect(str(tame)) as connection:
        hostile.tame(connection)  # after metrics were computed, whose draws follow from texts
    return {path.stem: duckdb.connect(str(path), read_only=True) for path in (acting, tame)}


@pytest.fixture(scope="session")
def spelt_pages(spelt_stores: dict[str, duckdb.DuckDBPyConnection]) -> dict[str, str]:
    """The reports of both stores, with ablation and settings that are spelt as their tables are."""
    spellings = {"hostile": hostile.hostile, "harmless": hostile.harmless}
    return {name: _spelt_page(connection, spellings[name]) for name, connection in spelt_stores.items()}


def _spelt_page(connection: duckdb.DuckDBPyConnection, spell: Callable[[str, str], str]) -> str:
    models = [spell("model", name) for name in ("embedded", "second")]
    ablated = {name: [spell_row(row, spell) for row in rows] for name, rows in ABLATED.items()}
    return page.render(connection, n_flips=200, settings=spell("settings", "a: 1"), embedded=models, ablated=ablated)
