"""`leanvlm methods | models | benchmarks`: what exists, what each does, and its source."""

from __future__ import annotations

from argparse import Namespace

from leanvlm import plugins
from leanvlm.commands import Command
from leanvlm.printing import FORMATS


def run(arguments: Namespace) -> None:
    """Print what exists; as a table, an id with what it does on one line and its source on the next."""
    kind = arguments.command
    rows = [(name, plugins.description(kind, name), plugins.source(kind, name)) for name in plugins.ids(kind)]
    if arguments.format != "table":
        print(FORMATS[arguments.format]([kind.removesuffix("s"), "description", "source"], rows))
        return
    width = max(len(name) for name, *_ in rows)
    for name, description, source in rows:
        print(f"{name:<{width}}  {description}\n{'':<{width}}  {source}")


COMMANDS = tuple(
    Command(name=kind, says=f"list the {what}: what each does, and its source", example=f"leanvlm {kind}", run=run)
    for kind, what in (("methods", "methods"), ("models", "architectures"), ("benchmarks", "benchmarks"))
)
