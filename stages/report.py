"""report: write the page that people read, the summary that git keeps, and what `dvc metrics` and `dvc plots` show.

Writes: artifacts/report/index.html, artifacts/summary.json, artifacts/scores, artifacts/plots.
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
SCORES = Path("artifacts/scores")
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
        _write_folder(figures.drawings(connection), PLOTS)
    _write(summary.dumps(told), SUMMARY)
    _write_folder({name: summary.dumps(numbers) for name, numbers in metrics.files(told).items()}, SCORES)


def _ablated() -> Any:
    """Read what `make ablate` found."""
    return json.loads(ABLATION.read_text(encoding="utf-8")) if ABLATION.is_file() else None


def _write_folder(texts: dict[Path, str], folder: Path) -> None:
    """Write files, and leave none of an earlier run beside them."""
    for name, text in texts.items():
        _write(text, folder / name)
    for stale in {path for path in folder.rglob("*") if path.is_file()} - {folder / name for name in texts}:
        stale.unlink()


def _write(text: str, path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    exit_on_error(main)
