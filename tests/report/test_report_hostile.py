"""No text of any table becomes markup: the page of hostile texts has the tags of one of harmless texts."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from leanvlm import markup
from leanvlm.checks import page as data_docs
from leanvlm.checks.validate import Finding
from leanvlm.report import figures
from leanvlm.report.page import page
from leanvlm.report.queries import FOLDER
from tests.report import hostile
from tests.report.synthetic_grid import SCHEMAS, spell_row

TEXT = (pa.string(), pa.list_(pa.string()))
ACTS = hostile.SHORT[2:]
FREE = (
    "id",
    "href",
    "src",
    "for",
    "name",
    "type",
    "role",
    "http-equiv",
    "rel",
    "aria-labelledby",
    "class",
    "style",
    "d",
)
Stores = dict[str, duckdb.DuckDBPyConnection]


class Parsed(HTMLParser):
    """Counts tags with the names of their attributes and the values that nobody's text may reach."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.openings: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.endings: Counter[str] = Counter()
        self.scripts: list[str] = []
        self.is_in_script = False
        self.feed(text)
        self.close()

    def counts(self) -> tuple[Counter[Any], Counter[str]]:
        """Return how often each tag is opened and closed, whatever the order."""
        return Counter(self.openings), self.endings

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count one tag."""
        told = tuple(
            (name, value if name in FREE and not (tag == "img" and name == "src") else "") for name, value in attrs
        )
        self.openings.append((tag, told))
        self.is_in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        """Count the end of a tag."""
        self.endings[tag] += 1
        self.is_in_script = False

    def handle_data(self, data: str) -> None:
        """Remember what would be run."""
        if self.is_in_script:
            self.scripts.append(data)

    def handle_comment(self, data: str) -> None:
        """Count a comment, which no page of ours has."""
        self.endings["comment"] += 1


def test_every_text_column_of_every_table_is_hostile(spelt_stores: Stores) -> None:
    connection = spelt_stores["hostile"]
    found = {(table, column) for table, column, _ in connection.execute(hostile.TEXTS).fetchall()}
    texts = {(name, field.name) for name in SCHEMAS for field in SCHEMAS[name] if field.type in TEXT}
    assert texts <= found
    for table, column in sorted(texts):
        asked = f"select count(*) from {table} where contains({column}::varchar, 'document.title')"
        [(n,)] = connection.execute(asked).fetchall()
        assert (n > 0) != (column in hostile.CLOSED), (table, column)


def test_hostile_texts_make_no_markup_on_the_page(spelt_pages: dict[str, str]) -> None:
    acting, tame = (spelt_pages[name] for name in ("hostile", "harmless"))
    assert Parsed(acting).counts() == Parsed(tame).counts()
    assert [Parsed(text).scripts for text in (acting, tame)] == [["\n".join(map(page.read, page.SCRIPTS))]] * 2
    metas = [told for tag, told in Parsed(acting).openings if tag == "meta"]
    assert [told[0] for told in metas] == [
        ("charset", ""), ("http-equiv", "Content-Security-Policy"), ("name", "viewport"), ("name", "color-scheme"),
    ]  # fmt: skip
    assert_is_text(acting)


def test_hostile_texts_make_no_markup_in_drawings(spelt_stores: Stores) -> None:
    drawn = [list(figures.drawings(spelt_stores[name]).values()) for name in ("hostile", "harmless")]
    acting, tame = (Counter(tags(text) for text in texts) for texts in drawn)
    assert acting == tame
    assert any(ACTS in (text.text or "") for svg in drawn[0] for text in ElementTree.fromstring(svg).iter())


def test_hostile_findings_make_no_markup_in_data_docs() -> None:
    acting, tame = (data_docs.page([finding(spell), finding(spell)]) for spell in (hostile.hostile, hostile.harmless))
    assert Parsed(acting).counts() == Parsed(tame).counts()
    assert [told[0] for tag, told in Parsed(acting).openings if tag == "meta"] == [
        ("charset", ""), ("name", "viewport"), ("http-equiv", "Content-Security-Policy"),
    ]  # fmt: skip
    assert acting.count("onload") == 1 + 2 * 2  # one heading, and two texts of each finding
    assert_is_text(acting)


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x85", "\r", "\u061c", "\u202e", "\u2069", "\ud800", "\uffff"])
def test_signs_that_are_no_text_are_shown_as_such(sign: str, spelt_stores: Stores) -> None:
    text = page.render(spelt_stores["harmless"], n_flips=0, settings=f"a{sign}b\tc\nd")
    assert "a\ufffdb\tc\nd" in text
    assert sign not in text.encode("utf-8").decode("utf-8")
    assert markup.element("a", sign, b=sign) == '<a b="\ufffd">\ufffd</a>'


def test_markup_is_made_of_literals_and_elements_only() -> None:
    """Who marks a text as safe, or puts one between tags by hand, would have to escape it too, and may forget."""
    paths = [*FOLDER.rglob("*.py"), Path(data_docs.__file__)]
    made = [(path, node) for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    marked = [
        (path.name, node) for path, node in made if isinstance(node, ast.Call) and ast.unparse(node.func) == "Markup"
    ]
    assert len(marked) > 5
    assert {name for name, call in marked if not isinstance(call.args[0], ast.Constant)} == {"page.py"}  # its own files
    strings = [(path.name, ast.unparse(node)) for path, node in made if isinstance(node, ast.JoinedStr)]
    assert {name for name, text in strings if re.search(r"</?[a-z]", text)} == {"figures.py"}  # which puts in numbers
    templates = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.html")]
    assert not [text for text in templates if re.search(r"\|\s*safe\b|autoescape", text)]


def finding(spell: Any) -> Finding:
    """Return a failed expectation whose every text is spelt."""
    whole = Finding(table="answers", expectation="right", is_met=False, n_rows=1, n_failing=1, rows=["model=m"])
    return Finding(**spell_row({field.name: getattr(whole, field.name) for field in fields(Finding)}, spell))


def tags(svg: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """List a drawing's elements with the names of their attributes."""
    return tuple(sorted((element.tag, tuple(element.attrib)) for element in ElementTree.fromstring(svg).iter()))


def assert_is_text(html: str) -> None:
    """Require a page of nothing but printable text."""
    assert not markup.UNPRINTABLE.search(html)
    assert "&lt;img" in html or "&lt;script" in html
