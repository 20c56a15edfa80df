"""Fill the grid on a cluster: a worker answers a batch and keeps it itself, and what comes back here are counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

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

Call = Callable[[], PrefectFuture[int]]
Refused = dict[str, InputError]  # why, by the sweep's name


def fill(params: Params, missing: Sequence[Cell]) -> list[InputError]:
    """Answer cells and keep them; return why some sweeps were refused, when all others are done."""
    assert params.cluster is not None
    refused: Refused = {}
    sweeps = {_name(params, group[0]): group for group in by_sweep(params, missing)}

    def work(joined: Joined) -> None:
        run = begin(params)
        _answer(joined, run, params, sweeps, refused)
        _join(
            joined,
            run,
            params,
            [cell for name, group in sweeps.items() if name not in refused for cell in group],
            refused,
        )

    on_cluster(params.cluster, work, device=params.answer.device, name="answers")
    return [InputError(f"{name}: {error}") for name, error in refused.items()]


def _answer(joined: Joined, run: Run, params: Params, sweeps: dict[str, list[Cell]], refused: Refused) -> None:
    """Have all batches answered, those of one checkpoint after those of another, so that few are loaded twice."""
    n_samples = sum(len(sample_ids(group[0].benchmark)) for group in sweeps.values())
    with tqdm(desc=f"{len(sweeps)} sweeps", total=n_samples, unit="sample") as progress:
        for name, found in as_done(joined, _batches(run, params, sweeps, refused)):
            if isinstance(found, InputError):
                refused.setdefault(name, found)
            else:
                progress.update(found)


def _batches(run: Run, params: Params, sweeps: dict[str, list[Cell]], refused: Refused) -> Iterator[tuple[str, Call]]:
    kept = features.stores(params, [cell for group in sweeps.values() for cell in group])
    for name, group in sweeps.items():
        store = kept.get((group[0].model, group[0].benchmark))
        for place in lacking(group, size=batch_size(len(group), params.answer.rows)):
            if name in refused:
                break
            named = batch.with_options(task_run_name=f"batch {name} | {place.first}")
            yield name, partial(named.submit, run, params, place, store)


def _join(joined: Joined, run: Run, params: Params, cells: Sequence[Cell], refused: Refused) -> None:
    """Have cells made of their batches, and say how many samples of each the model was not asked."""
    calls = ((one, partial(cell.with_options(task_run_name=f"cell {one.name}").submit, run, one)) for one in cells)
    for one, found in as_done(joined, calls):
        if isinstance(found, InputError):
            refused.setdefault(_name(params, one), found)
        elif found:
            print(f"{one.name}: {found} samples were refused and count as wrong; the column `refusal` says why")


def _name(params: Params, cell: Cell) -> str:
    return f"{params.folder(cell.model, cell.recipe).name} | {cell.benchmark}"


@task(cache_policy=NO_CACHE, persist_result=False)
def batch(run: Run, params: Params, place: Place, store: FeatureStore | None) -> int:
    """Answer a batch on a worker; return how many samples it has."""
    return answers.answer(run, params, place, store)


@task(cache_policy=NO_CACHE, persist_result=False)
def cell(run: Run, one: Cell) -> int:
    """Make a cell on a worker; return how many samples the model was not asked."""
    return answers.join(run, one)
