"""The answers flow: load each checkpoint once, answer what the grid lacks, keep every batch as soon as it is there.

One task per sweep (a checkpoint x a benchmark: its recipes share vision passes and prefills) and one task per cell, so
that the Prefect UI shows the grid. A killed run loses the batches that its workers were at, and doubles nothing: files
appear whole, under names that say what they were made from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner
from tqdm import tqdm

from flows import progress
from leanvlm import files
from leanvlm.engine.features import FeatureStore
from leanvlm.engine.pool import as_done, workers
from leanvlm.engine.sweep import Answer
from leanvlm.engine.worker import answer_batch, batch_size, read_samples, sample_ids
from leanvlm.errors import InputError, RunError
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.params import Params, load
from leanvlm.pipeline import batches, features, seals
from leanvlm.pipeline.answers import write_tables
from leanvlm.pipeline.batches import Batch
from leanvlm.pipeline.cells import Cell, by_sweep, grid_cells, prune
from leanvlm.pipeline.flips import flips
from leanvlm.pipeline.models import checkpoint
from leanvlm.processes.endings import ending_well

Found = list[tuple[str, str, Answer]]  # recipe, sample_id, answer
AHEAD = 2  # batches a worker that are on their way: one that it is at, one that waits


@flow(name="answers", task_runner=ThreadPoolTaskRunner(max_workers=1))  # type: ignore[arg-type]
def answers(params_file: str = "params.yaml") -> dict[str, int]:
    """Fill the grid and write its tables."""
    params = load(Path(params_file))
    cells = grid_cells(params)
    for line in seals.set_aside(cells):
        print(line)
    missing = [cell for cell in cells if not cell.path.exists()]
    print(f"cells: {len(cells)} in the grid, {len(cells) - len(missing)} stored, {len(missing)} to answer")
    with progress.shown(cells):
        if missing:
            fill(params, missing)
    pruned = prune(cells, keep=params.answer.keep_unused_cells)
    write_tables(params, cells)
    files.remove(files.FEATURES)
    if params.answer.device == "cuda":  # where an answer depends on its company
        for line in flips(cells):
            print(line)
    return {"cells": len(cells), "answered": len(missing), "pruned": pruned}


def fill(params: Params, missing: Sequence[Cell]) -> None:
    """Answer cells and keep them, sweep by sweep.

    Raises: InputError naming the first sweep that was refused, when all others are done.
    """
    os.environ["TQDM_DISABLE"] = "1"  # of the workers' libraries; this process has read it already
    refused: list[InputError] = []
    kept = features.stores(params, missing)
    with ending_well(), workers(params.answer.workers) as pool:  # Prefect's own handler would wait for the pool
        for group in by_sweep(params, missing):
            name = f"{params.folder(group[0].model, group[0].recipe).name} | {group[0].benchmark}"
            try:
                sweep.with_options(task_run_name=f"sweep {name}")(
                    params, group, pool, kept.get((group[0].model, group[0].benchmark))
                )
                for cell in group:
                    keep.with_options(task_run_name=f"cell {cell.name}")(cell)
            except InputError as error:
                refused.append(InputError(f"{name}: {error}"))
    if refused:
        others = f" ({len(refused) - 1} more sweeps were refused; the other cells are kept)" if refused[1:] else ""
        raise InputError(f"{refused[0]}{others}")


@task(cache_policy=NO_CACHE)
def sweep(params: Params, cells: Sequence[Cell], pool: ProcessPoolExecutor, store: FeatureStore | None = None) -> None:
    """Answer the samples of one benchmark that cells of one checkpoint lack, and keep each batch as it is there."""
    first = cells[0]
    weights = checkpoint(params, first.model, first.recipe)
    size = batch_size(len(cells), params.answer.rows)
    calls = (
        (batch, _asking(params, weights, batch, store))
        for batch in batches.lacking(cells, read_samples(first.benchmark), size=size)
    )
    label = f"{weights.folder.name} {first.benchmark} x {len(cells)} recipes"
    try:
        with tqdm(desc=label, total=len(sample_ids(first.benchmark)), unit="sample") as progress:
            for batch, found in as_done(pool, calls, ahead=AHEAD * params.answer.workers):
                batches.keep(batch, found)
                progress.update(len(batch.samples))
    except BrokenProcessPool:
        raise RunError("a worker was killed, most likely for want of memory; lower answer.workers in params.yaml and "
                       "run again: finished batches are kept") from None  # fmt: skip


def _asking(params: Params, weights: Checkpoint, batch: Batch, store: FeatureStore | None) -> Callable[[], Found]:
    recipes = [cell.recipe.text for cell in batch.cells]
    sizes = {"limit": params.answer.max_new_tokens, "rows": params.answer.rows}
    return partial(answer_batch, weights, batch.samples, recipes, **sizes, features=store)


@task(cache_policy=NO_CACHE)
def keep(cell: Cell) -> None:
    """Make one cell of its batches, and say how many samples the model was not asked."""
    if refused := batches.join(cell, sample_ids(cell.benchmark)):
        print(f"{cell.name}: {refused} samples were refused and count as wrong; the column `refusal` says why")
