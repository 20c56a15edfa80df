"""Fill the grid on a cluster: a worker answers a batch and keeps it itself, and what comes back here are counts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from tqdm import tqdm

from flows import sweeps
from flows.clusters.hand_out import Joined, as_done, on_cluster
from leanvlm.cluster import answers
from leanvlm.cluster.answers import Place, lacking
from leanvlm.cluster.turn import Run, begin
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.engine.worker import batch_size, sample_ids
from leanvlm.errors import InputError
from leanvlm.params import Params
from leanvlm.pipeline import features
from leanvlm.pipeline.cells import Cell, by_sweep
from leanvlm.pipeline.models import checkpoint

Sweeps = list[list[Cell]]  # cells that share a checkpoint and a benchmark
Key = tuple[int, Cell | None]  # a sweep's number; a cell of it, or a batch for all of them
Call = tuple[Key, Callable[[], PrefectFuture[int]]]


@dataclass
class Work:
    """What is handed out: batches, sweep by sweep, and a sweep's cells when all of its batches are there."""

    run: Run
    params: Params
    sweeps: Sweeps
    n_open: Counter[int] = field(default_factory=Counter)  # batches on their way, by the sweep's number
    refused: dict[int, InputError] = field(default_factory=dict)  # why, by the sweep's number
    unmade: deque[int] = field(default_factory=deque)  # sweeps whose batches are handed out, and whose cells are not

    def batches(self) -> Iterator[Call]:
        """Yield all batches, those of one checkpoint after those of another, so that few are loaded twice."""
        kept = features.stores(self.params, [cell for cells in self.sweeps for cell in cells])
        for number, cells in enumerate(self.sweeps):
            store = kept.get((cells[0].model, cells[0].benchmark))
            weights = checkpoint(self.params, cells[0].model, cells[0].recipe)
            for place in lacking(cells, weights, size=batch_size(len(cells), self.params.answer.rows)):
                if number in self.refused:
                    break
                self.n_open[number] += 1
                named = batch.with_options(task_run_name=f"batch {sweeps.name(self.params, cells)} | {place.first}")
                yield (number, None), partial(named.submit, self.run, self.params, place, store)
            self.unmade.append(number)
            yield from self.cells()

    def cells(self) -> Iterator[Call]:
        """Yield the cells whose batches are all there: thousands of small files become one."""
        while self.unmade and not self.n_open[self.unmade[0]]:
            number = self.unmade.popleft()
            for one in self.sweeps[number] if number not in self.refused else ():
                named = cell.with_options(task_run_name=f"cell {one.name}")
                yield (number, one), partial(named.submit, self.run, one)


def fill(params: Params, missing: Sequence[Cell]) -> list[InputError]:
    """Answer cells and keep them; return why some sweeps were refused, when all others are done."""
    assert params.cluster is not None
    work = Work(begin(params), params, by_sweep(params, missing))
    on_cluster(params.cluster, partial(_fill, work), device=params.answer.device, name="answers")
    refused = [(sweeps.name(params, work.sweeps[number]), error) for number, error in work.refused.items()]
    return [InputError(f"{name}: {error}") for name, error in refused]


def _fill(work: Work, joined: Joined) -> None:
    n_samples = sum(len(sample_ids(cells[0].benchmark)) for cells in work.sweeps)
    with tqdm(desc=f"{len(work.sweeps)} sweeps", total=n_samples, unit="sample") as progress:
        for calls in (work.batches(), work.cells()):
            for (number, one), found in as_done(joined, calls):
                work.n_open[number] -= one is None
                if isinstance(found, InputError):
                    work.refused.setdefault(number, found)
                elif one is None:
                    progress.update(found)
                elif found:
                    print(f"{one.name}: {found} samples were refused and count as wrong; the column `refusal` says why")


@task(cache_policy=NO_CACHE, persist_result=False)
def batch(run: Run, params: Params, place: Place, store: FeatureStore | None) -> int:
    """Answer a batch on a worker; return how many samples it has."""
    return answers.answer(run, params, place, store)


@task(cache_policy=NO_CACHE, persist_result=False)
def cell(run: Run, one: Cell) -> int:
    """Make a cell on a worker; return how many samples the model was not asked."""
    return answers.join(run, one)
