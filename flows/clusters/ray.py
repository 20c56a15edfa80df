"""Ray: a head hands tasks to processes that it starts, as many as there are GPUs, and tries a killed one's task again.

Its daemons listen on all interfaces, whatever address they are told.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from leanvlm.params.blocks import Cluster

RETRIES = 20  # of a task whose process was killed
os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # else it writes a token into the home folder
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray  # noqa: E402, which reads these when it is imported
from prefect_ray import RayTaskRunner  # noqa: E402
from prefect_ray.context import remote_options  # noqa: E402


def task_runner(cluster: Cluster, *, device: str) -> RayTaskRunner:
    """Say how tasks get to the cluster: one that runs, or processes of this machine for the length of the flow."""
    quietly: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if cluster.address:
        return RayTaskRunner(address=cluster.address, init_kwargs=quietly)
    gpus = {"num_gpus": cluster.workers} if device == "cuda" else {}
    own = {"num_cpus": cluster.workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    return RayTaskRunner(init_kwargs=quietly | own | gpus)


def join(_runner: RayTaskRunner) -> None:
    """Do nothing: Ray connects when the flow starts."""


def slots(_runner: RayTaskRunner, *, device: str) -> int:
    """Count the tasks that the cluster can work at, now."""
    return int(ray.cluster_resources().get("GPU" if device == "cuda" else "CPU", 0))


@contextmanager
def on_a_slot(*, device: str) -> Iterator[None]:
    """Give the tasks that are handed over in a `with` a process with a GPU each, where they compute on one.

    The process is to live on after a task (`max_calls`), since it holds the checkpoint for the next.
    """
    with remote_options(num_cpus=1, num_gpus=int(device == "cuda"), max_calls=0, max_retries=RETRIES):
        yield


def let_go(_runner: RayTaskRunner) -> None:
    """Do nothing: Ray ends processes that are idle."""
