"""`leanvlm explain`: which cells are stored, and why others are not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from leanvlm.commands import Command
from leanvlm.printing import FORMATS


def run(arguments: Namespace) -> None:
    """Say of each cell of the grid whether it is stored, and if not, what changed or why it is not run."""
    from leanvlm.params import load
    from leanvlm.pipeline.cells import explain, grid_cells, grid_skips

    params = load(Path("params.yaml"))
    said = {(cell.model, cell.recipe.text, cell.benchmark): explain(cell) for cell in grid_cells(params)}
    for skip in grid_skips(params):
        key = (skip.model, skip.recipe, skip.benchmark)
        said[key] = f"{' | '.join(key)}: not run, {skip.reason}"
    rows = [
        (*key, text)
        for key, text in said.items()
        if arguments.recipe in (None, key[1]) and arguments.benchmark in (None, key[2])
    ]
    if arguments.format == "table":
        print("\n".join(text for *_, text in rows))
    else:
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
