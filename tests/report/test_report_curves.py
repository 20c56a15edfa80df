"""Budget curves hold what the store holds: seeds are one curve, schemes stand alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import duckdb
import pytest

from leanvlm.report import queries
from leanvlm.report.curves import curves

TABLES = """
create table cells (model text, recipe text, benchmark text, family text, acts_on text);
create table parts (
    model text, recipe text, method text, setting text, options text, budget double, achieved_budget double
);
create table ranked_performance (model text, recipe text, ranked_performance double, low double, high double);
"""
RECIPES = (  # recipe, acts_on, options, budget, ranked performance with its interval
    ("controls/random_tokens@10%", "tokens", "", 0.1, (0.4, 0.3, 0.5)),
    ("controls/random_tokens@10%:seed=1", "tokens", "seed=1", 0.1, (0.6, 0.55, 0.7)),
    ("controls/downsample@40%", "image", "", 0.4, (0.8, 0.7, 0.9)),
    ("tokens/a@10%", "tokens", "", 0.1, (0.7, 0.6, 0.8)),
    ("tokens/a@40%", "tokens", "", 0.4, (0.9, 0.85, 0.95)),
    ("tokens/a@10%:k=3", "tokens", "k=3", 0.1, (0.75, None, None)),
    ("cache/b@10%", "cache", "", 0.1, (0.5, 0.4, 0.6)),
    ("weights/c@50%", "weights", "", 0.5, (0.9, 0.8, 1.0)),
    ("weights/c@80%", "weights", "", 0.8, (1.0, 0.9, 1.0)),
    ("weights/c@2:4", "weights", "", 0.5, (0.7, 0.6, 0.8)),
    ("weights/c@2:4+tokens/a@10%", "several", "", 0.1, (0.2, 0.1, 0.3)),
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A store of eleven recipes, one of them of two methods."""
    with duckdb.connect() as opened:
        opened.execute(TABLES)
        for recipe, acts_on, options, budget, performance in RECIPES:
            family = "combined" if "+" in recipe else recipe.split("/")[0]
            opened.execute("insert into cells values ('m', ?, 'docs', ?, ?)", [recipe, family, acts_on])
            opened.execute("insert into ranked_performance values ('m', ?, ?, ?, ?)", [recipe, *performance])
            for part in recipe.split("+"):
                method, _, setting = part.partition(":k=")[0].partition(":seed=")[0].partition("@")
                opened.execute(
                    "insert into parts values ('m', ?, ?, ?, ?, ?, ?)",
                    [recipe, method, setting, options, budget, budget],
                )
        yield opened


def test_points_are_merged_and_ordered(connection: duckdb.DuckDBPyConnection) -> None:
    columns = ("compared", "curve", "budget", "n_recipes", "performance", "low", "high")
    assert [tuple(row[name] for name in columns) for row in queries.rows(connection, "curves/curves")] == [
        ("tokens", "tokens/a", 0.1, 1, 0.7, 0.6, 0.8),
        ("tokens", "tokens/a", 0.4, 1, 0.9, 0.85, 0.95),
        ("tokens", "tokens/a:k=3", 0.1, 1, 0.75, None, None),
        ("tokens", "controls/downsample", 0.4, 1, 0.8, 0.7, 0.9),
        ("tokens", "controls/random_tokens", 0.1, 2, 0.5, 0.3, 0.7),
        ("cache", "cache/b", 0.1, 1, 0.5, 0.4, 0.6),
        ("weights", "weights/c", 0.5, 1, 0.9, 0.8, 1.0),
        ("weights", "weights/c", 0.5, 1, 0.7, 0.6, 0.8),
        ("weights", "weights/c", 0.8, 1, 1.0, 0.9, 1.0),
    ]


def test_a_scheme_stands_beside_the_line_through_the_shares(connection: duckdb.DuckDBPyConnection) -> None:
    [plot] = curves.groups(connection)[2]["plots"]
    drawing = ElementTree.fromstring(plot["svg"])
    assert [title.text for title in drawing.iter("title")] == [
        "weights/c at 50 %: 90.0 % (80.0 to 100.0)",
        "weights/c@2:4 at 50 %: 70.0 % (60.0 to 80.0)",
        "weights/c at 80 %: 100.0 % (90.0 to 100.0)",
    ]
    kinds = [path.get("class") for path in drawing.iter("path")]
    assert [kinds.count(kind) for kind in ("line", "band", "error")] == [1, 1, 1]
    [line] = [path.get("d", "") for path in drawing.iter("path") if path.get("class") == "line"]
    assert line.count("L") == 1  # two points


def test_each_method_is_one_plot_with_its_controls_behind(connection: duckdb.DuckDBPyConnection) -> None:
    tokens, cache, _ = curves.groups(connection)
    assert [plot["curve"] for plot in tokens["plots"]] == ["a", "a:k=3"]
    assert [control["name"] for control in tokens["controls"]] == ["downsample", "random_tokens"]
    assert [plot["curve"] for plot in cache["plots"]] == ["b"]
    titles = [title.text for title in ElementTree.fromstring(tokens["plots"][0]["svg"]).iter("title")]
    assert titles == [
        "controls/downsample at 40 %: 80.0 % (70.0 to 90.0)",
        "controls/random_tokens at 10 %: 50.0 % (30.0 to 70.0), mean of 2 seeds",
        "tokens/a at 10 %: 70.0 % (60.0 to 80.0)",
        "tokens/a at 40 %: 90.0 % (85.0 to 95.0)",
    ]


def test_curve_rises_with_its_numbers_and_its_band_holds_it(connection: duckdb.DuckDBPyConnection) -> None:
    svg = curves.groups(connection)[0]["plots"][0]["svg"].split('<g class="curve tokens">')[1]
    line, band = (_corners(svg, kind) for kind in ("line", "band"))
    assert line[0][0] < line[1][0]  # more budget lies to the right
    assert line[0][1] > line[1][1]  # more accuracy lies higher, where y is less
    upper, lower = band[:2], band[:1:-1]
    for (x, y), top, bottom in zip(line, upper, lower, strict=True):
        assert top[0] == bottom[0] == x
        assert top[1] < y < bottom[1]


def _corners(svg: str, kind: str) -> list[tuple[float, ...]]:
    found = re.search(rf'class="{kind}" d="M([^"]+)"', svg)
    assert found
    return [tuple(map(float, corner.split())) for corner in found[1].split("L")]
