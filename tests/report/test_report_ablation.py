"""The section on difficulty: losses by level, and which knob changes them."""

from __future__ import annotations

from typing import Any

import duckdb

from leanvlm.report.ablation import ablation
from leanvlm.report.page import page

PLACE = {"model": "m", "benchmark": "documents", "knob": "value_length"}


def level(recipe: str, at: int, value: int, loss: float) -> dict[str, Any]:
    found = {"accuracy": 0.9 - loss, "loss": loss, "low": loss - 0.02, "high": loss + 0.02, "n_samples": 60}
    return {**PLACE, "recipe": recipe, "position": at, "level": value, **found}


FULL, METHOD = "controls/full", "tokens/x@40%"
CHANGE = {"easiest": 6, "hardest": 3, "effect": 0.2, "low": 0.1, "high": 0.3, "verdict": "grows", "rank": 1}
ABLATED = {
    "levels": [level(FULL, 0, 6, 0.0), level(FULL, 1, 3, 0.0), level(METHOD, 0, 6, 0.1), level(METHOD, 1, 3, 0.3)],
    "effects": [{**PLACE, "recipe": METHOD, **CHANGE}],
}


def test_levels_stand_from_easy_to_hard() -> None:
    (table,) = ablation.tables(ABLATED)
    assert table["levels"] == [6, 3]
    assert table["knob"] == "value length"
    (row,) = table["rows"]
    assert [cell["loss"] for cell in row["losses"]] == [0.1, 0.3]
    assert row["verdict_kind"] == "worse"


def test_the_page_says_what_was_found_and_what_was_not_run(whole: duckdb.DuckDBPyConnection) -> None:
    html = page.render(whole, n_flips=1, ablated=ABLATED)
    section = html[html.index('<section id="ablation">') :].split("</section>")[0]
    assert "documents: value length" in section
    assert "30.0<small>28.0 to 32.0</small>" in section
    assert '<span class="verdict worse">grows</span> 1st' in section
    assert "make ablate" in page.render(whole, n_flips=1)
