"""report: write the page that people read and the summary that git keeps.

Writes: artifacts/report/index.html, artifacts/summary.json.
Reads:  artifacts/leanvlm.duckdb, params.yaml: report.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from leanvlm import params
from leanvlm.errors import InputError, exit_on_error
from leanvlm.report import page, summary

STORE = Path("artifacts/leanvlm.duckdb")
PAGE = Path("artifacts/report/index.html")
SUMMARY = Path("artifacts/summary.json")


def main() -> None:
    """Ask and write."""
    n_flips = params.load(Path("params.yaml")).report.flips
    if not STORE.is_file():
        raise InputError(f"{STORE} does not exist; run `dvc repro tally` to make it")
    with duckdb.connect(str(STORE), read_only=True) as connection:
        _write(page.render(connection, n_flips=n_flips), PAGE)
        _write(summary.dumps(summary.summarise(connection)), SUMMARY)


def _write(text: str, path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    exit_on_error(main)
