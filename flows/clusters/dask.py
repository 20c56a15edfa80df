"""Dask: a scheduler hands tasks to workers, one process and one GPU each; a nanny restarts a worker that was killed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from leanvlm.cluster.turn import forget
from leanvlm.errors import InputError
from leanvlm.params.machines import Cluster
from leanvlm.processes.children import deaf_children

os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")  # what matters is said once, by us

import dask
import distributed
from prefect_dask import DaskTaskRunner
from tornado.ioloop import PeriodicCallback

# Without a dashboard, a port of its own still says how a process is, and on all interfaces if nothing is said.
HERE = {"host": "127.0.0.1", "dashboard": False, "dashboard_address": "127.0.0.1:0"}
LOOK_SECONDS = 2.0  # between looks for workers that are gone for good
PATIENCE = "20s"  # with what listens at the address and does not answer as a scheduler


def task_runner(cluster: Cluster, *, device: str) -> DaskTaskRunner:
    """Say how tasks get to the cluster: one that runs, or workers of this machine for the length of the flow."""
    if cluster.address:
        address = cluster.address if "://" in cluster.address else f"tcp://{cluster.address}"
        return DaskTaskRunner(address=address, client_kwargs={"timeout": PATIENCE})
    return DaskTaskRunner(cluster_class=local, cluster_kwargs={"n_workers": cluster.workers, "device": device})


def local(n_workers: int, *, device: str, port: int = 0) -> distributed.SpecCluster:
    """Start a scheduler and workers of this machine, for this machine alone; they end with this process."""
    workers = {number: _worker(number, device) for number in range(n_workers)}
    options = HERE | {"port": port}
    scheduler = {"cls": distributed.Scheduler, "options": options}
    with deaf_children():  # Ctrl-C reaches all of a terminal's processes, and it is this one that ends them
        cluster = distributed.SpecCluster(scheduler=scheduler, workers=workers)
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)  # would print why a worker did not start
    watch = PeriodicCallback(partial(_replace_lost, cluster), 1000 * LOOK_SECONDS)
    cluster.periodic_callbacks["replace_lost"] = watch
    cluster.loop.add_callback(watch.start)
    return cluster


def _replace_lost(cluster: distributed.SpecCluster) -> None:
    """Start workers anew whose nannies gave up, as they do when one is killed while it starts."""
    for number, nanny in list(cluster.workers.items()):
        if nanny.status in (distributed.Status.closed, distributed.Status.failed):
            del cluster.workers[number]
            print("a worker ended as it was starting; another one takes its place", flush=True)
    cluster.scale(len(cluster.worker_spec))


def _worker(number: int, device: str) -> dict[str, Any]:
    """Describe a worker of this machine; on CUDA it sees its own GPU only."""
    own = {"CUDA_VISIBLE_DEVICES": _gpu(number)} if device == "cuda" else {}
    options = HERE | {"nthreads": 1, "resources": {"GPU": 1}, "memory_limit": 0, "env": own}
    return {"cls": distributed.Nanny, "options": options}


def _gpu(number: int) -> str:
    """Name the GPU of a worker; those that this process may see are shared out in turn."""
    import torch

    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = seen.split(",") if seen else [str(n) for n in range(torch.cuda.device_count())]
    return names[number % len(names)] if names else ""


def join(runner: DaskTaskRunner) -> None:
    """Connect.

    Raises: InputError where what listens at the address is no scheduler.
    """
    try:
        runner.client  # noqa: B018, which connects
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at cluster.address {runner.address!r}, though something listens "
                         f"there ({error}); name a scheduler's address")  from None  # fmt: skip


def slots(runner: DaskTaskRunner, *, device: str) -> int:
    """Count the tasks that the cluster can work at, now."""
    workers = runner.client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(int(one["resources"].get("GPU", 0)) if device == "cuda" else one["nthreads"] for one in workers)


@contextmanager
def on_a_slot(*, device: str) -> Iterator[None]:
    """Give the tasks that are handed over in a `with` a worker with a GPU each, where they compute on one."""
    with dask.annotate(resources={"GPU": 1} if device == "cuda" else {}):
        yield


def let_go(runner: DaskTaskRunner) -> None:
    """Have the workers let go of their checkpoints: they live on, and others may need the memory."""
    runner.client.run(forget, on_error="ignore")
