"""`leanvlm methods | models | benchmarks`: what exists, what each does, and its source."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from leanvlm import plugins
from leanvlm.commands import Command
from leanvlm.commands._card import show
from leanvlm.printing import FORMATS


def run(arguments: Namespace) -> None:
    """Print what exists; as a table, an id with what it does on one line and its source on the next."""
    kind = arguments.command
    if kind == "benchmarks" and arguments.name:
        show(arguments.name, arguments.format)
        return
    rows = [(name, plugins.description(kind, name), plugins.source(kind, name)) for name in plugins.ids(kind)]
    if arguments.format != "table":
        print(FORMATS[arguments.format]([kind.removesuffix("s"), "description", "source"], rows))
        return
    width = max(len(name) for name, *_ in rows)
    for name, description, source in rows:
        print(f"{name:<{width}}  {description}\n{'':<{width}}  {source}")


def _add_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="one benchmark: print what it asks, how, and how it is graded")


def _command(kind: str, what: str) -> Command:
    says, example = f"list the {what}: what each does, and its source", f"leanvlm {kind}"
    return Command(name=kind, says=says, example=example, run=run, takes=_add_name if kind == "benchmarks" else None)


COMMANDS = (
    _command("methods", "methods"),
    _command("models", "architectures"),
    _command("benchmarks", "benchmarks"),
)
