"""Write the page's plots as files of their own, for `dvc plots`, whose other plots load scripts from the network."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import duckdb

from leanvlm.recipes import slug
from leanvlm.report import words
from leanvlm.report.curves import curves
from leanvlm.report.leaderboard import leaderboard
from leanvlm.report.page import page
from leanvlm.report.tradeoff import panels

SCALE = 1.5  # pixels on the screen for one of the drawing
STYLES = ("page/colours.css", "tradeoff/plots.css")
FONT = "font-family: system-ui, 'DejaVu Sans', sans-serif"


def drawings(connection: duckdb.DuckDBPyConnection) -> dict[Path, str]:
    """Return each plot of the page as an SVG document, by the name of its file."""
    board = leaderboard.rows(connection)
    drawn = {}
    for index, model in enumerate(dict.fromkeys(row["model"] for row in board)):
        rows = [row for row in board if row["model"] == model]
        for name, panel in zip(("speed", "memory"), panels.both(rows, suffix=words.suffix(index)), strict=True):
            if panel["svg"]:
                drawn[Path(f"{model}-accuracy-{name}.svg")] = document(panel["svg"])
    for group in curves.groups(connection):
        for plot in group["plots"]:
            name = f"{group['model']}-curve-{group['compared']}-{slug(plot['curve'])}.svg"
            drawn[Path(name)] = document(plot["svg"])
    return drawn


def document(svg: str) -> str:
    """Return an inline `<svg>` as a file that brings its own style and size."""
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert size is not None  # we drew it
    width, height = (SCALE * int(side) for side in size.groups())
    css = "\n".join(page.read(name) for name in STYLES)
    css += f"svg.plot {{ width: {width:g}px; height: {height:g}px; background: var(--page); {FONT} }}\n"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
    return re.sub(r"^<svg([^>]*>)", lambda tag: f"{head}{tag[1]}<style>{escape(css, quote=False)}</style>", svg) + "\n"
