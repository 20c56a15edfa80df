"""report: write the page that people read, the summary that git keeps, and what `dvc metrics` and `dvc plots` show.

Writes: artifacts/report/index.html, artifacts/summary.json, artifacts/metrics.json, artifacts/plots.
Reads:  artifacts/leanvlm.duckdb, artifacts/ablation.json, params.yaml.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from leanvlm import params
from leanvlm.errors import InputError, exit_on_error
from leanvlm.report import figures, metrics, page, summary

PARAMS = Path("params.yaml")
STORE = Path("artifacts/leanvlm.duckdb")
PAGE = Path("artifacts/report/index.html")
ABLATION = Path("artifacts/ablation.json")
SUMMARY = Path("artifacts/summary.json")
METRICS = Path("artifacts/metrics.json")
PLOTS = Path("artifacts/plots")


def main() -> None:
    """Ask and write."""
    shown = params.load(PARAMS).report
    if not STORE.is_file():
        raise InputError(f"{STORE} does not exist; run `dvc repro tally` to make it")
    settings = PARAMS.read_text(encoding="utf-8")
    with duckdb.connect(str(STORE), read_only=True) as connection:
        told = summary.summarise(connection)
        drawn = {"n_flips": shown.flips, "seed": shown.seed}
        _write(page.render(connection, **drawn, settings=settings, ablated=_ablated()), PAGE)
        _write_drawings(figures.drawings(connection))
    _write(summary.dumps(told), SUMMARY)
    _write(summary.dumps(metrics.nested(told)), METRICS)


def _ablated() -> Any:
    """Read what `make ablate` found."""
    return json.loads(ABLATION.read_text(encoding="utf-8")) if ABLATION.is_file() else None


def _write_drawings(drawn: dict[Path, str]) -> None:
    """Write the plots, and leave none of an earlier run beside them."""
    for name, svg in drawn.items():
        _write(svg, PLOTS / name)
    for stale in set(PLOTS.glob("*.svg")) - {PLOTS / name for name in drawn}:
        stale.unlink()


def _write(text: str, path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    exit_on_error(main)
