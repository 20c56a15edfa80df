"""The answers flow: load each checkpoint once, answer what the grid lacks, keep every batch as soon as it is there.

One task per sweep (a checkpoint x a benchmark: its recipes share vision passes and prefills), or per batch of one where
a cluster answers, and one task per cell, so that the Prefect UI shows the grid. A killed run loses the batches that its
workers were at, and doubles nothing: files appear whole, under names that say what they were made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows import on_a_cluster, on_this_machine, progress
from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params import load
from leanvlm.pipeline import seals
from leanvlm.pipeline.answers import write_tables
from leanvlm.pipeline.cells import grid_cells
from leanvlm.pipeline.flips import flips
from leanvlm.pipeline.share import share
from leanvlm.pipeline.stored_cells import delete_joined, not_stored, prune
from leanvlm.storage.chosen import chosen


@flow(name="answers", task_runner=ThreadPoolTaskRunner(max_workers=1))  # type: ignore[arg-type]
def answers(params_file: str = "params.yaml") -> dict[str, int]:
    """Fill the grid and write its tables.

    Raises: InputError naming the first sweep that was refused, when all others are done.
    """
    params = load(Path(params_file))
    cells = grid_cells(params)
    for line in seals.set_aside(cells):
        print(line)
    missing = not_stored(cells)
    delete_joined(cells)
    print(f"cells: {len(cells)} in the grid, {len(cells) - len(missing)} stored, {len(missing)} to answer")
    share(params, missing)
    fill = on_a_cluster.fill if params.cluster else on_this_machine.fill
    with progress.shown(cells):
        _raise_first(fill(params, missing) if missing else [])
    pruned = prune(chosen(params.storage), cells, keep=params.answer.keep_unused_cells)
    write_tables(params, cells)
    files.remove(files.FEATURES)
    if params.answer.device == "cuda":  # where an answer depends on its company
        for line in flips(cells):
            print(line)
    return {"cells": len(cells), "answered": len(missing), "pruned": pruned}


def _raise_first(refused: Sequence[InputError]) -> None:
    if refused:
        others = f" ({len(refused) - 1} more sweeps were refused; the other cells are kept)" if refused[1:] else ""
        raise InputError(f"{refused[0]}{others}")
