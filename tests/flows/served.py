"""A checkout that is served as a user serves it, and its API."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from leanvlm.processes.children import dying_with_this
from leanvlm.processes.ports import free_port
from tests.checkouts import environment

PATIENCE_SECONDS = 600  # of a busy machine; alone each step takes a few
Found = TypeVar("Found")


@dataclass(frozen=True)
class Served:
    """One `make serve` and where it is."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    def ask(self, path: str, body: Any = None, *, method: str = "") -> tuple[int, Any]:
        """Call the API; return the status and what came back."""
        status, text = self.fetch(f"/api{path}", json.dumps(body) if body is not None else None, method=method)
        return status, json.loads(text) if text else None

    def fetch(self, path: str, body: str | None = None, *, method: str = "", **headers: str) -> tuple[int, str]:
        """Ask for any path of the server, as it is written."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            kind = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method or ("GET" if body is None else "POST"), path, body, kind | headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def deployment(self, name: str) -> dict[str, Any]:
        """Return a deployment of a flow that has its name."""
        found: dict[str, Any] = self.ask(f"/deployments/name/{name}/{name}")[1]
        return found

    def start(self, name: str, chosen: Any) -> tuple[int, Any]:
        """Submit a form."""
        return self.ask(
            f"/deployments/{self.deployment(name)['id']}/create_flow_run", {"parameters": {"chosen": chosen}}
        )

    def run(self, identity: str) -> dict[str, Any]:
        """Return a flow run."""
        found: dict[str, Any] = self.ask(f"/flow_runs/{identity}")[1]
        return found

    def ended(self, identity: str) -> dict[str, Any]:
        """Wait until a run has ended."""
        ends = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")
        return until(lambda: run if (run := self.run(identity))["state_type"] in ends else None)

    def beneath(self, identity: str) -> list[dict[str, Any]]:
        """List the subflows of a run."""
        chosen = {"flow_runs": {"parent_flow_run_id": {"any_": [identity]}}}
        found: list[dict[str, Any]] = self.ask("/flow_runs/filter", chosen)[1]
        return found

    def logs(self, identity: str) -> list[str]:
        """List what the Logs tab of a run shows."""
        found = self.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [identity]}}, "sort": "TIMESTAMP_ASC"})[1]
        return [line["message"] for line in found]

    def artifacts(self, identity: str) -> dict[str, dict[str, Any]]:
        """Return the artifacts of a run by their keys."""
        found = self.ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [identity]}}})[1]
        return {artifact["key"]: artifact for artifact in found}

    def others(self) -> list[psutil.Process]:
        """List all processes that this one has started, but for the server and the worker."""
        everyone = psutil.Process(self.process.pid).children(recursive=True)
        own = ("flows.guard:create_app", "flows.worker")
        return [one for one in everyone if not any(name in line_of(one) for name in own)]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the status and what was said on standard error."""
        self.process.send_signal(number)
        said = self.process.communicate(timeout=20)[1]
        return self.process.returncode, said


def serve(folder: Path) -> Served:
    """Start `make serve` on a free port, and wait until it says that it is up."""
    port = free_port()
    process = start(folder, port)
    assert process.stdout is not None
    for line in process.stdout:
        if "Prefect's UI and API: " in line:
            return Served(folder, port, process)
    raise AssertionError(process.communicate()[1])


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    """Run what `make serve` runs."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.serve"],
        cwd=folder,
        env=environment(folder) | {"PREFECT_SERVER_API_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=dying_with_this(),  # a test that is killed leaves nobody either
    )


def until(find: Callable[[], Found | None], *, seconds: float = PATIENCE_SECONDS) -> Found:
    """Ask again until there is something."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.3)
    return found


def line_of(process: psutil.Process) -> str:
    """Read a command line; a process that has just ended has none."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def left_in(folder: Path) -> list[str]:
    """List the command lines of the processes that work in a checkout."""
    found = []
    for one in psutil.process_iter():
        try:
            if one.cwd() == str(folder) and one.status() != psutil.STATUS_ZOMBIE and one.pid != os.getpid():
                found.append(" ".join(one.cmdline()))
        except psutil.Error:
            continue
    return found
