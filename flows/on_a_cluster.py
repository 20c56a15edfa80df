"""Fill the grid on a cluster: a worker answers a batch and keeps it itself, and what comes back here are counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from tqdm import tqdm

from flows.clusters.hand_out import Joined, as_done, on_cluster
from leanvlm.cluster import answers
from leanvlm.cluster.answers import Place, lacking
from leanvlm.cluster.turn import Run, begin
from leanvlm.engine.features import FeatureStore
from leanvlm.engine.worker import batch_size, sample_ids
from leanvlm.errors import InputError
from leanvlm.params import Params
from leanvlm.pipeline import features
from leanvlm.pipeline.cells import Cell, by_sweep

Key = TypeVar("Key")

Sweeps = list[list[Cell]]  # cells that share a checkpoint and a benchmark
Refused = dict[int, InputError]  # why, by the sweep's number
Calls = Iterator[tuple[tuple[int, Key], Callable[[], PrefectFuture[int]]]]  # by the sweep's number


def fill(params: Params, missing: Sequence[Cell]) -> list[InputError]:
    """Answer cells and keep them; return why some sweeps were refused, when all others are done."""
    assert params.cluster is not None
    sweeps, refused, run = by_sweep(params, missing), dict[int, InputError](), begin(params)

    def work(joined: Joined) -> None:
        with tqdm(desc=f"{len(sweeps)} sweeps", total=_n_samples(sweeps), unit="sample") as progress:
            for _, n_samples in _done(joined, _batches(run, params, sweeps, refused), refused):
                progress.update(n_samples)
        for one, n_refused in _done(joined, _cells(run, sweeps, refused), refused):
            if n_refused:
                print(f"{one.name}: {n_refused} samples were refused and count as wrong; the column `refusal` says why")

    on_cluster(params.cluster, work, device=params.answer.device, name="answers")
    return [InputError(f"{_name(params, sweeps[number])}: {error}") for number, error in refused.items()]


def _done(joined: Joined, calls: Calls[Key], refused: Refused) -> Iterator[tuple[Key, int]]:
    """Yield what tasks counted, and note which sweeps were refused."""
    for (number, key), found in as_done(joined, calls):
        if isinstance(found, InputError):
            refused.setdefault(number, found)
        else:
            yield key, found


def _batches(run: Run, params: Params, sweeps: Sweeps, refused: Refused) -> Calls[int]:
    """Submit all batches, those of one checkpoint after those of another, so that few are loaded twice."""
    kept = features.stores(params, [cell for cells in sweeps for cell in cells])
    for number, cells in enumerate(sweeps):
        store = kept.get((cells[0].model, cells[0].benchmark))
        for place in lacking(cells, size=batch_size(len(cells), params.answer.rows)):
            if number in refused:
                break
            named = batch.with_options(task_run_name=f"batch {_name(params, cells)} | {place.first}")
            yield (number, place.first), partial(named.submit, run, params, place, store)


def _cells(run: Run, sweeps: Sweeps, refused: Refused) -> Calls[Cell]:
    """Submit the cells whose batches are all there."""
    for number, cells in enumerate(sweeps):
        for one in cells if number not in refused else ():
            yield (number, one), partial(cell.with_options(task_run_name=f"cell {one.name}").submit, run, one)


def _name(params: Params, cells: Sequence[Cell]) -> str:
    return f"{params.folder(cells[0].model, cells[0].recipe).name} | {cells[0].benchmark}"


def _n_samples(sweeps: Sweeps) -> int:
    return sum(len(sample_ids(cells[0].benchmark)) for cells in sweeps)


@task(cache_policy=NO_CACHE, persist_result=False)
def batch(run: Run, params: Params, place: Place, store: FeatureStore | None) -> int:
    """Answer a batch on a worker; return how many samples it has."""
    return answers.answer(run, params, place, store)


@task(cache_policy=NO_CACHE, persist_result=False)
def cell(run: Run, one: Cell) -> int:
    """Make a cell on a worker; return how many samples the model was not asked."""
    return answers.join(run, one)
