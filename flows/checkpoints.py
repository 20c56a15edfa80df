"""The checkpoints flow: make compressed checkpoints on a cluster, several at once, and tell DVC of each that is there.

`dvc repro`, which makes one after the other, finds nothing left to make then.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from flows.clusters.hand_out import Joined, as_done, on_cluster
from leanvlm import files
from leanvlm.cluster import checkpoints
from leanvlm.cluster.checkpoints import Made, Needed
from leanvlm.cluster.turn import Run, begin
from leanvlm.errors import InputError, RunError
from leanvlm.params import Params

Pair = tuple[str, str]  # a model, and the slug of its weights recipe
Call = tuple[Pair, Callable[[], PrefectFuture[Made | None]]]


def make(params: Params, pairs: Sequence[Pair]) -> None:
    """Have checkpoints made, and commit each to DVC as soon as it is there, so that a kill loses none.

    Raises: InputError naming the first that was refused, when all others are made.
    """
    assert params.cluster is not None
    refused: list[InputError] = []

    def work(joined: Joined) -> None:
        for pair, found in as_done(joined, _calls(begin(params), params, pairs)):
            if isinstance(found, InputError):
                refused.append(found)
                continue
            if found is not None:
                checkpoints.bring(found, *pair)
            _commit(*pair)

    on_cluster(params.cluster, work, device=params.compress.device, name="checkpoints")
    if refused:
        raise refused[0]


def _calls(run: Run, params: Params, pairs: Sequence[Pair]) -> Iterator[Call]:
    needed = {model: checkpoints.share(params, model) for model in dict.fromkeys(model for model, _ in pairs)}
    for model, slug in pairs:
        named = checkpoint.with_options(task_run_name=f"checkpoint {model} | {slug}")
        yield (model, slug), partial(named.submit, run, params, needed[model], model, slug)


@task(cache_policy=NO_CACHE, persist_result=False)
def checkpoint(run: Run, params: Params, needed: Needed | None, model: str, slug: str) -> Made | None:
    """Make a checkpoint on a worker."""
    return checkpoints.make(run, params, needed, model, slug)


def _commit(model: str, slug: str) -> None:
    print(f"{model}: {slug} is made", flush=True)
    command = [sys.executable, "-m", "dvc", "commit", "--quiet", "--force", f"compress@{model}-{slug}"]
    if subprocess.run(command, check=False).returncode:
        raise RunError(f"DVC could not note that {files.checkpoint(model, slug)} is made; its own message is above")
