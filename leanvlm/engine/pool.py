"""A pool of worker processes, and how samples become batches for them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from leanvlm.engine.sweep import Answer
from leanvlm.engine.worker import Checkpoint, answer_batch, batches, start_worker
from leanvlm.processes.children import deaf_children
from leanvlm.sample import Sample


def workers(n: int) -> ProcessPoolExecutor:
    """Start `n` processes that answer, each on one thread."""
    pool = ProcessPoolExecutor(n, get_context("spawn"), start_worker)
    with deaf_children():
        for _ in range(n):
            pool.submit(int)  # nothing to do, but else a process starts when there is
    return pool


def answers(
    pool: ProcessPoolExecutor,
    checkpoint: Checkpoint,
    recipes: Sequence[str],
    samples: Sequence[Sample],
    *,
    limit: int,
    rows: int,
) -> list[tuple[str, str, Answer]]:
    """Ask every recipe every sample; return (recipe, sample_id, answer) in order of the samples' batches."""
    run = partial(answer_batch, checkpoint, recipes=list(recipes), limit=limit, rows=rows)
    return [found for batch in pool.map(run, batches(samples, len(recipes), rows)) for found in batch]
