"""What `leanvlm` can be asked: one command, one file, which ends in a `COMMAND`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from leanvlm import files
from leanvlm.commands._arguments import path


@dataclass(frozen=True)
class Command:
    """One command of the command line."""

    name: str
    says: str  # what it does, in one line
    example: str  # a command line that a reader may try
    run: Callable[[Namespace], None]
    takes: Callable[[ArgumentParser], None] | None = None  # adds its arguments
    details: str = ""  # what `--help` says beyond `says`


def add_store(parser: ArgumentParser) -> None:
    """Let the command read another store than the project's own."""
    parser.add_argument(
        "--store", type=path, default=files.STORE, metavar="FILE", help="a DuckDB file (default: %(default)s)"
    )
