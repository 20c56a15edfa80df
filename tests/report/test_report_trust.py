"""The sections on trust and on causes tell the store's numbers, and stand empty where there are none."""

from __future__ import annotations

import re

import duckdb

from leanvlm.report import words
from leanvlm.report.page import page
from leanvlm.report.trust import trust
from leanvlm.report.why import why
from tests.report.synthetic_grid import RECIPES

RECIPE = "tokens/fastv@10%"


def section(html: str, name: str) -> str:
    return html.split(f'<section id="{name}">')[1].split("</section>")[0]


def line(text: str, recipe: str) -> str:
    """The table row of a recipe, with numbers and words alone."""
    [row] = re.findall(rf'<tr><th scope="row"><code>{re.escape(recipe)}</code></th>.*?</tr>', text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", row).replace("&nbsp;", " ").split())


def test_calibration_is_the_mean_over_benchmarks_and_its_error_that_of_a_mean(
    html: str, whole: duckdb.DuckDBPyConnection
) -> None:
    """All answers of the grid have exp(-0.1) a token: what a cell is wrong by is its share of right ones less that."""
    found = whole.execute("select calibration_error, standard_error from calibration_error where recipe = ?", [RECIPE])
    errors, spreads = zip(*found.fetchall(), strict=True)
    mean, half = sum(errors) / 4, 1.96 * sum(spread**2 for spread in spreads) ** 0.5 / 4
    shown = line(section(html, "trust").split("<h3>")[0], RECIPE)
    assert f"{words.percent(mean)} {words.percent_range(max(0, mean - half), mean + half)}" in shown


def test_every_recipe_has_its_line(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    tables = trust.tables(whole)
    assert tables["recipes"][0]["recipe"] == "controls/full"
    assert {row["recipe"] for row in tables["recipes"]} == set(RECIPES)
    assert {row["recipe"] for row in why.recipes(whole)} == set(RECIPES) - {"controls/full"}
    plain = [recipe for recipe in RECIPES if not set("+:") & set(recipe)]  # where no line may break
    assert all(line(section(html, "trust").split("<h3>")[0], recipe) for recipe in plain)
    assert all(line(section(html, "why"), recipe) for recipe in plain if recipe != "controls/full")


def test_what_is_made_up_is_shown_where_it_is_asked_about(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    [(share, low, high)] = whole.execute(
        "select hallucination, low, high from hallucination where recipe = ? and kind = 'absent'", [RECIPE]
    ).fetchall()
    shown = section(html, "trust").split("<h3>")[1]
    assert shown.startswith("What is made up on scenes")
    assert f"{words.percent(share)} {words.percent_range(low, high)}" in line(shown, RECIPE)


def test_the_strongest_property_is_that_of_the_metric(html: str, whole: duckdb.DuckDBPyConnection) -> None:
    [(name, effect, low, high)] = whole.execute(
        "select property, loss_effect, low, high from loss_effect where recipe = ? and strength = 1", [RECIPE]
    ).fetchall()
    name = name if ":" in name else name.replace("_", " ")
    shown = f"{name} {words.percent(effect)} ({words.percent_range(low, high)})"
    assert shown in line(section(html, "why"), RECIPE)


def test_orders_of_options_are_shown_where_there_are_any() -> None:
    interval = {"low": 0.1, "high": 0.3, "difference": 0.05, "difference_low": -0.02, "difference_high": 0.12}
    row = {"model": "m", "recipe": "r", "benchmark": "rotations", "n_questions": 40, "order_sensitivity": 0.2}
    tables = {"recipes": [], "absent": [], "orders": [row | interval]}
    shown = page._environment({}).get_template("trust/trust.html").render(trust=tables, sinks=None, models=[{}])
    assert line(shown, "r") == "r rotations 40 20.0 10.0 to 30.0 5.0 -2.0 to 12.0"
    assert "No benchmark of this grid asks" in shown


def test_without_anything_to_explain_the_section_says_so() -> None:
    shown = page._environment({}).get_template("why/why.html").render(why=[], models=[{}])
    assert "nothing but the full model was asked" in shown


def test_sinks_are_shown_where_they_were_looked_for() -> None:
    template = page._environment({}).get_template("trust/sinks.html")
    row = {"recipe": "r", "decoder": [0.1, 0.2, 0.3], "tower": [0.4, 0.5, 0.6]}
    shown = template.render(sinks={"settings": {"share": 0.1, "questions": 50}, "rows": [row]})
    assert line(shown, "r") == "r 20.0 10.0 to 30.0 50.0 40.0 to 60.0"
    assert "50 pages" in " ".join(shown.split())
    assert "<code>make bench-sinks</code>" in template.render(sinks=None)
