"""Fill the grid on this machine: a pool of worker processes answers batches, which are kept here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from tqdm import tqdm

from flows import sweeps
from leanvlm.engine.pool import as_done, workers
from leanvlm.engine.sweep import Answer
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.engine.worker import batch_size, read_samples, sample_ids
from leanvlm.errors import InputError, RunError
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.params import Params
from leanvlm.pipeline import batches, features
from leanvlm.pipeline.batches import Batch
from leanvlm.pipeline.bring import answer_brought
from leanvlm.pipeline.cells import Cell, by_sweep
from leanvlm.pipeline.models import checkpoint
from leanvlm.processes.endings import ending_well

Found = list[tuple[str, str, Answer]]  # recipe, sample_id, answer
AHEAD = 2  # batches per worker that are under way: one that it is at, one that waits


def fill(params: Params, missing: Sequence[Cell]) -> list[InputError]:
    """Answer cells and keep them, sweep by sweep; return why some were refused, when all others are done."""
    os.environ["TQDM_DISABLE"] = "1"  # of the workers' libraries; this process has read it already
    refused: list[InputError] = []
    kept = features.stores(params, missing)
    with ending_well(), workers(params.answer.workers) as pool:  # Prefect's own handler would wait for the pool
        for group in by_sweep(params, missing):
            name = sweeps.name(params, group)
            try:
                sweep.with_options(task_run_name=f"sweep {name}")(
                    params, group, pool, kept.get((group[0].model, group[0].benchmark))
                )
                for cell in group:
                    keep.with_options(task_run_name=f"cell {cell.name}")(cell)
            except InputError as error:
                refused.append(InputError(f"{name}: {error}"))
    return refused


@task(cache_policy=NO_CACHE)
def sweep(params: Params, cells: Sequence[Cell], pool: ProcessPoolExecutor, store: FeatureStore | None) -> None:
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
    return partial(answer_brought, batch.cells[0], weights, batch.samples, recipes, **sizes, features=store)


@task(cache_policy=NO_CACHE)
def keep(cell: Cell) -> None:
    """Make one cell of its batches, and say how many samples the model was not asked."""
    if refused := batches.join(cell, sample_ids(cell.benchmark)):
        print(f"{cell.name}: {refused} samples were refused and count as wrong; the column `refusal` says why")
