"""A pool of worker processes, and how work is handed to them: no more than they can do soon."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

from leanvlm.engine.sweep import Answer
from leanvlm.engine.worker import answer_batch, batches, start_worker
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.processes.children import deaf_children
from leanvlm.sample import Sample

Key = TypeVar("Key")
Result = TypeVar("Result")


def workers(n: int) -> ProcessPoolExecutor:
    """Start `n` processes that answer, each on one thread and, on CUDA, on the next GPU."""
    context = get_context("spawn")
    numbers = context.SimpleQueue()
    for number in range(n):
        numbers.put(number)
    pool = ProcessPoolExecutor(n, context, start_worker, (numbers,))
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


def as_done(
    pool: ProcessPoolExecutor, calls: Iterable[tuple[Key, Callable[[], Result]]], *, ahead: int
) -> Iterator[tuple[Key, Result]]:
    """Yield what calls return, each as soon as it is there; only `ahead` of them are taken before one is done."""
    running: dict[Future[Result], Key] = {}
    try:
        for key, call in calls:
            if len(running) == ahead:
                yield from _done(running)
            running[pool.submit(call)] = key
        while running:
            yield from _done(running)
    finally:
        for future in running:  # after a failure nobody waits for the rest
            future.cancel()


def _done(running: dict[Future[Result], Key]) -> Iterator[tuple[Key, Result]]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield running.pop(future), future.result()
