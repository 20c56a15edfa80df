"""Write the report: one HTML file that needs nothing else, neither the network nor a script, to be read."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from leanvlm.errors import InputError, RunError
from leanvlm.report import heat, leaderboard, overview, panels, pictures, plot, queries, words
from leanvlm.report.queries import Row

FOLDER = Path(__file__).parent
LARGEST_BYTES = 20_000_000  # of the page
LARGEST_FLIPS = 40  # more would not fit into the page
EXAMPLES = (
    {
        "question": "Which recipes keep at least 95 % of accuracy?",
        "sql": "select * from overall_performance where overall_performance >= 0.95",
    },
    {
        "question": "What did one recipe answer wrongly?",
        "sql": "select * from answers inner join grades using (model, recipe, benchmark, sample_id) "
        "where grade = 0 and recipe = 'tokens/fastv@10%'",
    },
)


def render(connection: duckdb.DuckDBPyConnection, *, n_flips: int) -> str:
    """Return the page for the tables and metrics behind `connection`.

    Raises: InputError for a number of flips that cannot be shown; RunError where the page would be too large.
    """
    if not 0 <= n_flips <= LARGEST_FLIPS:
        raise InputError(f"report.flips is {n_flips!r}; it is a number from 0 to {LARGEST_FLIPS}")
    css, js = (Markup((FOLDER / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))  # ours
    text = (
        _environment()
        .get_template("page.html")
        .render(
            css=css,
            js=js,
            policy=_policy(css, js),
            families=tuple(plot.MARKERS),
            examples=EXAMPLES,
            models=_models(connection),
            flips=_flips(connection, n_flips),
            skips=queries.rows(connection, "skips"),
            devices=queries.rows(connection, "devices"),
            **overview.words_for(connection),
        )
    )
    if len(text.encode()) > LARGEST_BYTES:
        raise RunError(f"the report has {len(text.encode()):,} bytes, over {LARGEST_BYTES:,}; lower report.flips")
    return text


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=words.percent,
        number=words.number,
        times=words.times,
        breakable=words.breakable,
        visible=words.visible,
    )
    environment.globals.update(markers=plot.MARKERS, percent_range=words.percent_range, times_range=words.times_range)
    return environment


def _policy(css: str, js: str) -> str:
    """Forbid the page everything but its own style, script and pictures, whatever an answer contains."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    )


def _models(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    board = leaderboard.rows(connection)
    ratios = queries.rows(connection, "ratios")
    names = dict.fromkeys(row["model"] for row in board)
    return [_model(name, board, ratios) | {"suffix": f"-{index}" if index else ""} for index, name in enumerate(names)]


def _model(name: str, board: Sequence[Row], ratios: Sequence[Row]) -> Row:
    rows = [row for row in board if row["model"] == name]
    cells = [cell for cell in ratios if cell["model"] == name]
    benchmarks, lines = heat.table(cells, order=rows)
    return {
        "name": name,
        "leaderboard": rows,
        "panels": panels.both(rows, model=name),
        "benchmarks": benchmarks,
        "heat": lines,
        "sensitivity": overview.sensitivity(cells),
        "comparable": overview.comparable(cells),
    }


def _flips(connection: duckdb.DuckDBPyConnection, n_flips: int) -> list[Row]:
    found = queries.rows(connection, "flips", variables={"n_flips": n_flips})
    return [
        flip
        | {
            "images": [pictures.shown(png) for png in flip["images"]],
            "expected": " | ".join(flip["expected"]),
        }
        for flip in found
    ]
