"""`leanvlm explain`: which cells are stored, why others are not, and what work their recipes share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from leanvlm import files
from leanvlm.commands import Command
from leanvlm.errors import InputError
from leanvlm.printing import FORMATS

if TYPE_CHECKING:
    from leanvlm.params import Params
    from leanvlm.pipeline.cells import Cell

COLUMNS = ("model", "recipe", "benchmark", "explanation")
DETAILS = """\
First a line for each cell of the grid: where it is stored, or what of its key changed, or why it is not run. Then the
work that the recipes of one checkpoint share on each sample, as a tree: a picture is shown once for all recipes below
it, a prompt is read once for all caches that are kept of it, and every recipe decodes from a cache of its own."""


def run(arguments: Namespace) -> None:
    """Say of each cell of the grid whether it is stored, and if not, what changed or why it is not run.

    Raises: InputError for a recipe or benchmark that is not in the grid.
    """
    from leanvlm.params import load
    from leanvlm.pipeline.cells import grid_cells

    params = load(files.PARAMS)
    _refuse_unknown(params, arguments)
    chosen = [cell for cell in grid_cells(params) if _is_chosen(arguments, cell.recipe.text, cell.benchmark)]
    rows = list(_rows(params, chosen, arguments))
    if arguments.format != "table":
        print(FORMATS[arguments.format](COLUMNS, rows))
        return
    print("\n".join([text for *_, text in rows] + list(_work(params, chosen))))


def _refuse_unknown(params: Params, arguments: Namespace) -> None:
    """Refuse names that no cell has; a recipe may be spelt in any way."""
    from leanvlm.recipes import parse

    if arguments.recipe is not None:
        arguments.recipe = parse(arguments.recipe).text
        if arguments.recipe not in [parse(text).text for text in params.grid.chosen]:
            raise InputError(f"no recipe {arguments.recipe!r} in the grid; add it under grid.recipes in params.yaml")
    if arguments.benchmark not in (None, *params.grid.benchmarks):
        raise InputError(f"no benchmark {arguments.benchmark!r} in the grid; it has "
                         f"{', '.join(params.grid.benchmarks)}")  # fmt: skip


def _is_chosen(arguments: Namespace, recipe: str, benchmark: str) -> bool:
    return arguments.recipe in (None, recipe) and arguments.benchmark in (None, benchmark)


def _rows(params: Params, chosen: list[Cell], arguments: Namespace) -> Iterator[tuple[str, ...]]:
    from leanvlm.pipeline.cells import grid_skips
    from leanvlm.pipeline.stored_cells import explain

    for cell in chosen:
        yield cell.model, cell.recipe.text, cell.benchmark, explain(cell)
    for skip in grid_skips(params):
        if _is_chosen(arguments, skip.recipe, skip.benchmark):
            key = (skip.model, skip.recipe, skip.benchmark)
            yield *key, f"{' | '.join(key)}: not run, {skip.reason}"


def _work(params: Params, chosen: list[Cell]) -> Iterator[str]:
    """Yield the tree of shared work of each checkpoint."""
    from leanvlm.engine.tree import count, lines, share

    groups: dict[str, dict[str, Cell]] = {}
    for cell in chosen:
        folder = params.folder(cell.model, cell.recipe).as_posix()
        groups.setdefault(folder, {})[cell.recipe.text] = cell
    for folder, cells in groups.items():
        tree = share([cell.recipe for cell in cells.values()])
        n = count(tree)
        yield ""
        yield (f"{folder}: recipes {len(cells)}; on each sample, vision passes {n['image']}, reads of the prompt "
               f"{n['tokens']}, caches {n['cache']}")  # fmt: skip
        yield from lines(tree, "  ")


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", help="only cells of this recipe")
    parser.add_argument("benchmark", nargs="?", help="only cells of this benchmark")


COMMAND = Command(
    name="explain",
    says="say which cells of the grid are stored, why others are not, and what work they share",
    details=DETAILS,
    example="leanvlm explain cache/snapkv@10% documents",
    run=run,
    takes=_takes,
)
