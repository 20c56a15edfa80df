"""Ray: a head hands tasks to processes that it starts, as many as there are GPUs, and tries a killed one's task again.

Its daemons listen on all interfaces, whatever address they are told.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from leanvlm.errors import InputError
from leanvlm.params.machines import Cluster

RETRIES = 20  # of a task whose process was killed
PATIENCE_SECONDS = 10.0  # with what listens at the address
SETTINGS, KIND = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)), slice(3, 4)  # an empty frame, and where its kind stands
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS  # RFC 9113, section 3.4; the answer begins with SETTINGS, too
QUIETLY: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # else it writes a token into the home folder
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray  # noqa: E402, which reads these when it is imported
from prefect_ray import RayTaskRunner  # noqa: E402
from prefect_ray.context import remote_options  # noqa: E402


def task_runner(cluster: Cluster, *, device: str) -> RayTaskRunner:
    """Say how tasks get to the cluster: one that runs, or processes of this machine for the length of the flow."""
    if cluster.address:
        _connect(cluster.address.rpartition("/")[2])
        return RayTaskRunner()  # of this process's connection
    gpus = {"num_gpus": cluster.workers} if device == "cuda" else {}
    own = {"num_cpus": cluster.workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    return RayTaskRunner(address="local", init_kwargs=QUIETLY | own | gpus)  # else it joins whatever was started here


def _connect(address: str) -> None:
    """Join the cluster of a head.

    Raises: InputError where no head answers, one of another version does, or none of its nodes is on this machine.
    """
    if os.environ.get("RAY_USE_TLS", "0") == "0":
        _refuse_others(address)
    try:
        ray.init(address, **QUIETLY)
    except (ConnectionError, RuntimeError) as error:
        raise InputError(f"this machine cannot join the Ray cluster at cluster.address {address!r} "
                         f"({' '.join(str(error).split())}); let it have the same Ray and Python, and run "
                         f"`ray start --address {address}` here")  from None  # fmt: skip


def _refuse_others(address: str) -> None:
    """Say hello as Ray's own connections do, in HTTP/2: Ray would try for minutes, and then end the process."""
    host, _, port = address.rpartition(":")
    answer = b""
    with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), PATIENCE_SECONDS) as connection:
        connection.sendall(HELLO)
        answer = connection.recv(len(SETTINGS), socket.MSG_WAITALL)
    if answer[KIND] != SETTINGS[KIND]:
        raise InputError(f"no Ray head answers at cluster.address {address!r}, though something listens there; "
                         "name a head's address, such as HOST:6379")  # fmt: skip


def join(_runner: RayTaskRunner) -> None:
    """Do nothing: this process has joined already, or Ray starts with the flow."""


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


def let_go(runner: RayTaskRunner) -> None:
    """Leave a cluster that was joined, which then ends the processes that worked for this one; ours ends by itself."""
    if runner.address is None:
        ray.shutdown()
