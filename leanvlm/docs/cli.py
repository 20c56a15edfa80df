"""The reference of the command line: what every command prints for `--help`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from leanvlm.commands import cli

WIDTH = "100"  # of the help [characters], whatever terminal it is written from


def reference() -> str:
    """Return a section for `leanvlm` and one for each of its commands."""
    with _width():
        return "\n\n".join(_section(*command) for command in [(), *((one.name,) for one in cli.COMMANDS)])


def _section(*command: str) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        cli.call([*command, "--help"])
    return f"## {' '.join(('leanvlm', *command))}\n\n```text\n{printed.getvalue().rstrip()}\n```"


@contextmanager
def _width() -> Iterator[None]:
    """Fix what argparse takes for the terminal's width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
