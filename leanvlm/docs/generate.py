"""Write what is generated in README.md, docs/cli.md and docs/grading.md.

`python -m leanvlm.docs.generate` rewrites the blocks between markers; `--check` only says which pages are out of date.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from leanvlm import files
from leanvlm.docs import blocks, cli, departures, plugins, results
from leanvlm.errors import InputError, RunError, exit_on_error

PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {
        "results": lambda: results.table(results.read(files.SUMMARY)),
        "methods": lambda: plugins.table("methods"),
        "models": lambda: plugins.table("models"),
    },
    "docs/cli.md": {"commands": cli.reference},
    "docs/grading.md": {"departures": departures.table},
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m leanvlm.docs.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page is out of date")
    is_check = parser.parse_args().check
    renewed = {page: generated(page) for page in PAGES}
    stale = {page: text for page, text in renewed.items() if text != _read(page)}
    if is_check and stale:
        raise RunError(f"out of date: {', '.join(stale)}; run `make docs`")
    for page, text in stale.items():
        files.write(text, Path(page))


def generated(page: str) -> str:
    """Return the page with all its blocks as they should be.

    Raises: InputError where the page, its markers or the results are missing.
    """
    text = _read(page)
    for name, content in PAGES[page].items():
        text = blocks.renew(text, name, content(), page=page)
    return text


def _read(page: str) -> str:
    if not Path(page).is_file():
        raise InputError(f"there is no {page}; run this in the project's root")
    return Path(page).read_text(encoding="utf-8")


if __name__ == "__main__":
    exit_on_error(main)
