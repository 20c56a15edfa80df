"""The command line: `leanvlm methods | models | benchmarks | sql | explain | score`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from leanvlm import plugins
from leanvlm.errors import exit_on_error

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

    columns, rows = ask(DATABASE, query)
    cells = [list(columns), *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def explain_cells(recipe: str | None, benchmark: str | None) -> None:
    """Say of each cell of the grid whether it is stored, and if not, what changed or why it is not run."""
    from leanvlm.cells import explain, grid_cells, grid_skips
    from leanvlm.params import load

    params = load(Path("params.yaml"))
    for cell in grid_cells(params):
        if recipe in (None, cell.recipe.text) and benchmark in (None, cell.benchmark):
            print(explain(cell))
    for skip in grid_skips(params):
        if recipe in (None, skip.recipe) and benchmark in (None, skip.benchmark):
            print(f"{skip.model} | {skip.recipe} | {skip.benchmark}: not run, {skip.reason}")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "null" if value is None else str(value)


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
    return parser


def call(arguments: Sequence[str]) -> None:
    """Run the command line from Python, without exiting."""
    run(_parser().parse_args(arguments))


if __name__ == "__main__":
    main()
