"""Texts of random markup in every column of a store: none of it becomes a tag, attribute or script of the report."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import duckdb
import pytest

from leanvlm.report.page import page
from tests.report import hostile
from tests.report.synthetic_grid import RECIPES, Grid, build
from tests.report.test_report_hostile import Parsed

TRIES = 40
PIECES = (
    *("<", ">", "</", "/>", '"', "'", "&", "&lt;", "&#60;", "<!--", "-->", "]]>", "<![CDATA[", "\\u003c", "%3C", "\0"),
    *("<script>", "</script>", "<svg/onload=x>", "<img src=x onerror=x>", "<base href=//x>", "<a href=javascript:x>"),
    *("</title>", "</style>", "</text>", "<style>*{}", "{{ 7*7 }}", "{% raw %}", "${x}", "`", "\u2028", "\u202e"),
    *("<meta http-equiv=refresh content=0>", "' onclick='x", '" autofocus onfocus="x', "<iframe srcdoc='", "\x1b["),
)
FEW = ("controls/full", "controls/blind", "tokens/fastv@10%", "cache/snapkv@10%", "weights/wanda@2:4")


@pytest.fixture(scope="module")
def spelt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in whose every text stands what can be replaced."""
    grid = Grid(left_out=tuple(set(RECIPES) - set(FEW)))
    return build(tmp_path_factory.mktemp("spelt") / "spelt.duckdb", grid, spell=hostile.hostile)


def rendered(spelt: Path, path: Path, texts: dict[str, str]) -> str:
    """Render a copy of the store with other texts."""
    shutil.copy(spelt, path)
    with duckdb.connect(str(path)) as connection:
        for table, column, kind in connection.execute(hostile.TEXTS).fetchall():
            replaced = "replace(replace({}, $long, $acts), $short, $acts_in_names)"
            lists = f"list_transform({column}, lambda one: {replaced.format('one')})"
            value = lists if kind == "VARCHAR[]" else replaced.format(column)
            connection.execute(f"update {table} set {column} = {value}", texts)
        return page.render(connection, n_flips=50, settings=f"a: {texts['acts']}")


def tame(text: str) -> str:
    return "".join(sign if sign.isalnum() else "x" for sign in text)


def test_it_stays_text(rng: random.Random, spelt: Path, tmp_path: Path) -> None:
    """What the page of hostile texts has for tags, that of harmless ones has too; only line breaks may differ."""
    texts = ["".join(rng.choices(PIECES, k=rng.randint(1, 8))), "".join(rng.choices(PIECES, k=3)).replace("/", "")]
    shapes, scripts = [], []
    for name, (acts, in_names) in {"hostile": texts, "harmless": map(tame, texts)}.items():
        both = {"long": hostile.LONG, "short": hostile.SHORT, "acts": acts, "acts_in_names": in_names}
        found = Parsed(rendered(spelt, tmp_path / f"{name}.duckdb", both))
        shapes.append({(tag, told) for tag, told in found.openings if tag != "wbr"} | set(found.endings))
        scripts.append(found.scripts)
    assert shapes[0] == shapes[1]
    assert scripts[0] == scripts[1]
