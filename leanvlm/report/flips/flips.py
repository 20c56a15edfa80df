"""Prepare the flip browser: drawn flips with small pictures, and what they can be filtered by."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from leanvlm.errors import InputError
from leanvlm.report import queries
from leanvlm.report.flips import pictures
from leanvlm.report.queries import Row
from leanvlm.tables.answers import CENTER_PARTS

LARGEST = 200  # more would not fit into the page
FILTERS = ("recipe", "benchmark", "flip")
KINDS = {"lost": "graded worse than the full model", "won": "graded better", "changed": "another wrong answer"}


def browser(connection: duckdb.DuckDBPyConnection, *, n_flips: int, seed: int) -> Row:
    """Return the flips (at most `n_flips`), the values of each filter and how many flips there are in all.

    Raises: InputError for a number of flips that cannot be shown.
    """
    if not 0 <= n_flips <= LARGEST:
        raise InputError(f"report.flips is {n_flips!r}; it is a number from 0 to {LARGEST}")
    drawn = queries.rows(connection, "flips/flips", variables={"n_flips": n_flips, "seed": seed})
    return {
        "drawn": [_shown(flip) for flip in drawn],
        "filters": {name: _values(drawn, name) for name in FILTERS},
        "kinds": KINDS,
        "n_all": drawn[0]["n_all"] if drawn else 0,
    }


def _shown(flip: Row) -> Row:
    images = [pictures.shown(png) for png in flip["images"]]
    for index, image in enumerate(images):
        image["dots"] = _dots(flip["kept_centers"] or [], index, image)
    return flip | {"images": images, "expected": " | ".join(flip["expected"])}


def _dots(centers: Sequence[Row], index: int, image: Row) -> str:
    """Draw one picture's kept tokens as one path of dots, in pixels of the page."""
    own = [center for center in centers if center["image"] == index]
    width, height = image["width"] / CENTER_PARTS, image["height"] / CENTER_PARTS
    return "".join(f"M{center['x'] * width:.0f} {center['y'] * height:.0f}h0" for center in own)


def _values(drawn: Sequence[Row], name: str) -> list[str]:
    return sorted({flip[name] for flip in drawn})
