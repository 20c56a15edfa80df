"""`leanvlm methods | models | benchmarks`: what exists, one line each with its source."""

from __future__ import annotations

from argparse import Namespace

from leanvlm import plugins
from leanvlm.commands import Command
from leanvlm.printing import FORMATS


def run(arguments: Namespace) -> None:
    """Print what exists; as a table, without a heading."""
    kind = arguments.command
    rows = [(name, plugins.source(kind, name)) for name in plugins.ids(kind)]
    if arguments.format != "table":
        print(FORMATS[arguments.format]([kind.removesuffix("s"), "source"], rows))
        return
    width = max(len(name) for name, _ in rows)
    for name, source in rows:
        print(f"{name:<{width}}  {source}")


COMMANDS = tuple(
    Command(name=kind, says=f"list the {what}, one line each with its source", example=f"leanvlm {kind}", run=run)
    for kind, what in (("methods", "methods"), ("models", "architectures"), ("benchmarks", "benchmarks"))
)
