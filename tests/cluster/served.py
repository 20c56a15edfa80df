"""A cluster on loopback for a test, started as `make cluster` starts it; and what it has stored, byte by byte."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from leanvlm.processes.ports import free_port
from tests.pipeline.test_endings import line_of, started

START_SECONDS = 180


def name_cluster(folder: Path, cluster: str) -> None:
    """Write a cluster into a checkout's params.yaml, or take it out."""
    params = folder / "params.yaml"
    lines = [line for line in params.read_text().splitlines() if not line.startswith("cluster:")]
    params.write_text("\n".join([*lines, f"cluster: {cluster}"]) + "\n")


@contextmanager
def dask(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve two workers for the length of a `with`; give what to write as the cluster, and the process."""
    port = free_port()
    cluster = started(folder, "-m", "flows.clusters.loopback", "2", str(port))
    try:
        assert cluster.stdout is not None
        assert f":{port}" in cluster.stdout.readline()
        yield f'{{runner: dask, address: "tcp://127.0.0.1:{port}"}}', cluster
    finally:
        cluster.send_signal(signal.SIGTERM)
        cluster.communicate(timeout=60)


@contextmanager
def ray(folder: Path) -> Iterator[str]:
    """Serve a head of two CPUs for the length of a `with`, as docs/cluster.md says; give its address."""
    address = f"127.0.0.1:{free_port()}"
    options = ("--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats", "--object-store-memory=100000000")
    words = ("start", "--head", "--block", f"--port={address.rpartition(':')[2]}", *options)
    head = started(folder.parent, "-m", "ray.scripts.scripts", *words)
    try:
        assert head.stdout is not None
        assert any("runtime started" in line for line in head.stdout), head.communicate()[1]
        yield address
    finally:
        head.send_signal(signal.SIGTERM)
        head.communicate(timeout=60)


def workers_of(cluster: subprocess.Popen[str]) -> list[psutil.Process]:
    """List the worker processes of a cluster, those that were killed and started again too."""
    return [one for one in psutil.Process(cluster.pid).children() if "spawn_main" in line_of(one)]


def stored(folder: Path) -> dict[str, bytes]:
    """Read every file of the cells, whole or not."""
    cells = folder / "artifacts/pool"
    return {path.relative_to(cells).as_posix(): path.read_bytes() for path in cells.rglob("*") if path.is_file()}


def checkpoints(folder: Path) -> dict[str, bytes]:
    """Read every file of the compressed checkpoints."""
    made = folder / "artifacts/checkpoints"
    return {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*") if path.is_file()}


def gone(processes: list[psutil.Process], *, seconds: float = 15) -> bool:
    """Tell whether processes have ended, or do so soon."""
    deadline = time.monotonic() + seconds
    while any(one.is_running() for one in processes) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not any(one.is_running() for one in processes)
