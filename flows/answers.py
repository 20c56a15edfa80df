"""The answers flow: load each checkpoint once, answer what the grid lacks, keep every cell as soon as it is whole.

One task per sweep (a checkpoint x a benchmark: its recipes share vision passes and prefills) and one task per cell, so
that the Prefect UI shows the grid. A killed run loses at most the sweep that it was in, and doubles nothing: a cell's
file appears whole, under a name that says what it was made from.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner
from tqdm import tqdm

from leanvlm.engine.pool import workers
from leanvlm.engine.sweep import Answer
from leanvlm.engine.worker import Checkpoint, answer_batch, batches, read_samples
from leanvlm.errors import InputError, RunError
from leanvlm.params import Params, load
from leanvlm.pipeline import seals
from leanvlm.pipeline.answers import store_cell, write_tables
from leanvlm.pipeline.cells import Cell, grid_cells, prune
from leanvlm.processes.endings import ending_well

Rows = dict[str, dict[str, Answer]]  # recipe -> sample_id -> answer


@flow(name="answers", task_runner=ThreadPoolTaskRunner(max_workers=1))  # type: ignore[arg-type]
def answers(params_file: str = "params.yaml") -> dict[str, int]:
    """Fill the grid and write its tables."""
    params = load(Path(params_file))
    cells = grid_cells(params)
    for line in seals.set_aside(cells):
        print(line)
    missing = [cell for cell in cells if not cell.path.exists()]
    print(f"cells: {len(cells)} in the grid, {len(cells) - len(missing)} stored, {len(missing)} to answer")
    if missing:
        fill(params, missing)
    pruned = prune(cells, keep=params.answer.keep_unused_cells)
    write_tables(params, cells)
    return {"cells": len(cells), "answered": len(missing), "pruned": pruned}


def fill(params: Params, missing: Sequence[Cell]) -> None:
    """Answer cells and keep them, sweep by sweep.

    Raises: InputError naming the first sample that a sweep was refused for, when all other sweeps are done.
    """
    os.environ["TQDM_DISABLE"] = "1"  # of the workers' libraries; this process has read it already
    refused: list[InputError] = []
    with ending_well(), workers(params.answer.workers) as pool:  # Prefect's own handler would wait for the pool
        for group in by_sweep(params, missing):
            name = f"{params.folder(group[0].model, group[0].recipe).name} | {group[0].benchmark}"
            try:
                rows = sweep.with_options(task_run_name=f"sweep {name}")(params, group, pool)
            except InputError as error:
                refused.append(InputError(f"{name}: {error}"))
                continue
            for cell in group:
                keep.with_options(task_run_name=f"cell {cell.name}")(cell, rows[cell.recipe.text])
    if refused:
        others = f" ({len(refused) - 1} more sweeps were refused; the other cells are kept)" if refused[1:] else ""
        raise InputError(f"{refused[0]}{others}")


def by_sweep(params: Params, cells: Sequence[Cell]) -> list[list[Cell]]:
    """Group cells that share weights and samples, so that each checkpoint is loaded once."""
    groups: dict[tuple[Path, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[params.folder(cell.model, cell.recipe), cell.benchmark].append(cell)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[0].as_posix(), key[1]))]


@task(cache_policy=NO_CACHE)
def sweep(params: Params, cells: Sequence[Cell], pool: ProcessPoolExecutor) -> Rows:
    """Answer every sample of one benchmark with every recipe that lacks it."""
    first, recipes = cells[0], [cell.recipe.text for cell in cells]
    checkpoint = Checkpoint(
        params.models[first.model].architecture,
        params.folder(first.model, first.recipe),
        params.answer.dtype,
        params.answer.device,
    )
    samples = read_samples(first.benchmark)
    sizes = {"limit": params.answer.max_new_tokens, "rows": params.answer.rows}
    together = batches(samples, len(recipes), params.answer.rows)
    futures: dict[Future[Any], int] = {}
    rows: Rows = {recipe: {} for recipe in recipes}
    label = f"{checkpoint.folder.name} {first.benchmark} x {len(recipes)} recipes"
    try:
        for batch in together:
            futures[pool.submit(answer_batch, checkpoint, batch, recipes, **sizes)] = len(batch)
        with tqdm(desc=label, total=len(samples), unit="sample") as progress:
            for future in as_completed(futures):
                for recipe, sample_id, found in future.result():
                    rows[recipe][sample_id] = found
                progress.update(futures[future])
    except BrokenProcessPool:
        raise RunError("a worker was killed, most likely for want of memory; lower answer.workers in params.yaml and "
                       "run again: finished cells are kept") from None  # fmt: skip
    finally:
        for future in futures:  # after a failure nobody waits for the rest
            future.cancel()
    return rows


@task(cache_policy=NO_CACHE)
def keep(cell: Cell, rows: dict[str, Answer]) -> int:
    """Store one cell."""
    return int(store_cell(cell, rows).num_rows)
