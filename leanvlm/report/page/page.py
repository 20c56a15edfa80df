"""Write the report: one HTML file that needs nothing else, neither the network nor a script, to be read."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from leanvlm import markup
from leanvlm.errors import RunError
from leanvlm.report import queries, words
from leanvlm.report.ablation import ablation
from leanvlm.report.audit import audit
from leanvlm.report.benchmarks import heat
from leanvlm.report.best import best
from leanvlm.report.curves import curves
from leanvlm.report.environment import environment
from leanvlm.report.flips import flips
from leanvlm.report.leaderboard import leaderboard
from leanvlm.report.page import overview
from leanvlm.report.queries import Row
from leanvlm.report.speed import along, roofline
from leanvlm.report.tradeoff import panels, plot
from leanvlm.report.trust import trust
from leanvlm.report.why import why

FOLDER = Path(__file__).parents[1]  # of the report: a section's files lie together in a folder of its own
STYLES = ("page/colours.css", "page/page.css", "page/tables.css", "tradeoff/plots.css", "flips/flips.css")
SCRIPTS = ("page/tables.js", "tradeoff/plots.js", "flips/flips.js")
LARGEST_BYTES = 10_000_000  # of the page
EXAMPLES = (
    {
        "question": "Which recipes keep at least 95 % of accuracy?",
        "sql": "select * from overall_performance where scope = 'all' and overall_performance >= 0.95",
    },
    {
        "question": "What did one recipe answer wrongly?",
        "sql": "select * from answers inner join grades using (model, recipe, benchmark, sample_id) "
        "where grade = 0 and recipe = 'tokens/fastv@10%'",
    },
)


def render(
    connection: duckdb.DuckDBPyConnection,
    *,
    n_flips: int,
    seed: int = 0,
    settings: str = "",
    embedded: Collection[str] = (),
    ablated: Mapping[str, Sequence[Row]] | None = None,
    decoder: Mapping[str, Any] | None = None,
    sinks: Mapping[str, Any] | None = None,
) -> str:
    """Return the page for the tables and metrics behind `connection`.

    Takes: n_flips, how many flipped answers to draw with `seed`; settings, the text of params.yaml; embedded, the names
    of models that are the project's small one; ablated, the tables `levels` and `effects` of an ablation, if one was
    run; decoder and sinks, what `make bench-decoder` and `make bench-sinks` measured, if they were run.

    Raises: InputError for a number of flips that cannot be shown; RunError where the page would be too large.
    """
    css, js = (Markup("\n".join(read(name) for name in names)) for names in (STYLES, SCRIPTS))  # ours
    board = leaderboard.rows(connection)
    audited = audit.rows(connection, order=board)
    template = _environment({"n_flips": n_flips, "seed": seed}).get_template("page/page.html")
    text = template.render(
        css=css,
        js=js,
        policy=_policy(css, js),
        models=_models(connection, board),
        embedded=embedded,
        curves=curves.groups(connection),
        along=along.plots(connection),
        roofline=roofline.plots(connection),
        steadiness=queries.rows(connection, "../clock/steadiness"),
        trust=trust.tables(connection),
        why=why.recipes(connection),
        ablation=ablation.tables(ablated),
        decoder=decoder,
        sinks=sinks,
        flips=flips.browser(connection, n_flips=n_flips, seed=seed),
        audit=audited,
        audit_summary=audit.summary(audited),
        checkpoints=queries.rows(connection, "checkpoints/checkpoints"),
        published=queries.rows(connection, "paper/published"),
        paper=queries.rows(connection, "paper/paper"),
        skips=queries.rows(connection, "skips/skips"),
        refusals=queries.rows(connection, "skips/refusals"),
        ungraded=queries.rows(connection, "skips/ungraded"),
        devices=queries.rows(connection, "environment/devices"),
        facts=environment.facts(),
        settings=settings,
        examples=EXAMPLES,
        **overview.words_for(connection),
    )
    if len(text.encode()) > LARGEST_BYTES:
        raise RunError(f"the report has {len(text.encode()):,} bytes, over {LARGEST_BYTES:,}; lower report.flips")
    return text


def read(name: str) -> str:
    """Return one of the page's own styles or scripts, such as `flips/flips.css`."""
    return (FOLDER / name).read_text(encoding="utf-8")


def _environment(variables: dict[str, int]) -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=markup.visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (words.percent, words.number, words.times, words.budget, words.size, words.breakable, words.excerpt)
    made.filters.update({function.__name__: function for function in filters})
    made.globals.update(
        markers=plot.MARKERS,
        families=tuple(plot.MARKERS),
        percent_range=words.percent_range,
        times_range=words.times_range,
        count=words.count,
        sql=lambda question: queries.text(question, variables=variables),
    )
    return made


def _policy(css: str, js: str) -> str:
    """Forbid the page everything but its own style, script and pictures, whatever an answer contains."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    )


def _models(connection: duckdb.DuckDBPyConnection, board: Sequence[Row]) -> list[Row]:
    ratios = queries.rows(connection, "benchmarks/ratios")
    names = dict.fromkeys(row["model"] for row in board)
    models = [_model(name, words.suffix(index), board, ratios) for index, name in enumerate(names)]
    for model in models:
        benchmarks = [benchmark["name"] for benchmark in model["benchmarks"]]
        model["best"] = best.table(connection, model=model["name"], benchmarks=benchmarks)
    return models


def _model(name: str, suffix: str, board: Sequence[Row], ratios: Sequence[Row]) -> Row:
    rows = [row for row in board if row["model"] == name]
    cells = [cell for cell in ratios if cell["model"] == name]
    benchmarks, lines = heat.table(cells, order=rows)
    return {
        "name": name,
        "suffix": suffix,
        "leaderboard": rows,
        "panels": panels.both(rows, suffix=suffix),
        "benchmarks": benchmarks,
        "heat": lines,
        "sensitivity": overview.sensitivity(cells),
        "comparable": overview.comparable(cells),
    }
