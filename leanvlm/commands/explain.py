"""`leanvlm explain`: which cells are stored, and why others are not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from leanvlm.commands import Command
from leanvlm.printing import FORMATS


def run(arguments: Namespace) -> None:
    """Say of each cell of the grid whether it is stored, and if not, what changed."""
    from leanvlm.cells import explain, grid_cells
    from leanvlm.params import load

    cells = [
        cell
        for cell in grid_cells(load(Path("params.yaml")))
        if arguments.recipe in (None, cell.recipe.text) and arguments.benchmark in (None, cell.benchmark)
    ]
    if arguments.format == "table":
        for cell in cells:
            print(explain(cell))
        return
    rows = [(cell.model, cell.recipe.text, cell.benchmark, explain(cell)) for cell in cells]
    print(FORMATS[arguments.format](["model", "recipe", "benchmark", "explanation"], rows))


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", help="only cells of this recipe")
    parser.add_argument("benchmark", nargs="?", help="only cells of this benchmark")


COMMAND = Command(
    name="explain",
    says="say which cells of the grid are stored, and why others are not",
    example="leanvlm explain cache/snapkv@10% documents",
    run=run,
    takes=_takes,
)
