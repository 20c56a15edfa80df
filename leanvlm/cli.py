"""The command line: `leanvlm methods | models | benchmarks | sql | explain | score | verify-paper`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from leanvlm import plugins
from leanvlm.errors import exit_on_error
from leanvlm.printing import FORMATS, as_table

DATABASE = Path("artifacts/leanvlm.duckdb")


def main() -> None:
    """Run one command; wrong input is one sentence on standard error and exit status 2."""
    exit_on_error(lambda: run(_parser().parse_args()))


def run(arguments: argparse.Namespace) -> None:
    """Do what was asked."""
    if arguments.command in ("methods", "models", "benchmarks"):
        list_plugins(arguments.command)
    elif arguments.command == "sql":
        print_query(arguments.query)
    elif arguments.command == "score":
        print_query("select * from accuracy order by model, benchmark, recipe")
    elif arguments.command == "verify-paper":
        verify_paper(arguments.scores, form=arguments.format)
    else:
        explain_cells(arguments.recipe, arguments.benchmark)


def list_plugins(kind: str) -> None:
    """Print what exists, one line each with its source."""
    names = plugins.ids(kind)
    width = max(map(len, names))
    for name in names:
        print(f"{name:<{width}}  {plugins.source(kind, name)}")


def print_query(query: str) -> None:
    """Print the result of one read-only query as aligned text."""
    from leanvlm.query import query as ask

    print(as_table(*ask(DATABASE, query)))


def explain_cells(recipe: str | None, benchmark: str | None) -> None:
    """Say of each cell of the grid whether it is stored, and if not, what changed."""
    from leanvlm.cells import explain, grid_cells
    from leanvlm.params import load

    for cell in grid_cells(load(Path("params.yaml"))):
        if recipe in (None, cell.recipe.text) and benchmark in (None, cell.benchmark):
            print(explain(cell))


def verify_paper(scores: Path | None, *, form: str) -> None:
    """Recompute what EffiVLM-Bench printed, or the same from a file of scores."""
    from leanvlm.paper import command

    if scores is None:
        command.verify(form=form)
    else:
        command.show(scores, form=form)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="leanvlm", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("methods", help="list the methods, one line each with its source")
    commands.add_parser("models", help="list the architectures")
    commands.add_parser("benchmarks", help="list the benchmarks")
    commands.add_parser("score", help="print every cell's accuracy")
    sql = commands.add_parser("sql", help="ask the stored results, read-only")
    sql.add_argument("query", help="one select")
    why = commands.add_parser("explain", help="say which cells are stored and why others are not")
    why.add_argument("recipe", nargs="?")
    why.add_argument("benchmark", nargs="?")
    paper = commands.add_parser("verify-paper", help="recompute OP and OG that EffiVLM-Bench printed")
    paper.add_argument("--scores", type=Path, metavar="FILE", help="model > budget > method > benchmark > score")
    paper.add_argument("--format", choices=tuple(FORMATS), default="table")
    return parser


def call(arguments: Sequence[str]) -> None:
    """Run the command line from Python, without exiting."""
    run(_parser().parse_args(arguments))


if __name__ == "__main__":
    main()
