"""A Prefect server that cannot outlive the process that started it: a run's temporary one, and that of `make serve`.

Prefect's own temporary server is orphaned by a kill and then holds the terminal; ours asks Linux to die with its parent
and writes to a file.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from flows import history, proxies, serving
from leanvlm import disk
from leanvlm.errors import RunError
from leanvlm.processes.children import dying_with_this

HOME = Path(".prefect")
LOG = HOME / "server.log"
ANSWER_SECONDS = 5


@contextmanager
def own_server(
    port: int, *, name: str, settings: Mapping[str, str] = MappingProxyType({}), patience_seconds: float = 120
) -> Iterator[str]:
    """Serve for the length of a `with`, and give the API's address once it answers; this process ends with its server.

    Raises: InputError where another program holds Prefect's history, RunError where it does not come up.
    """
    if said := history.lay_aside_damaged(HOME):
        print(said)
    url = f"http://127.0.0.1:{port}/api"
    with LOG.open("w") as log:
        server = subprocess.Popen(
            _command(port),
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=dying_with_this(),
        )
        is_done = threading.Event()
        try:
            _wait(server, url, name, patience_seconds)
            threading.Thread(target=_end_with, args=(server, name, is_done), daemon=True).start()
            yield url
        finally:
            is_done.set()
            server.kill()
            server.wait()


def _end_with(server: subprocess.Popen[bytes], name: str, is_done: threading.Event) -> None:
    """End this process when its server ends before it."""
    status = server.wait()
    if not is_done.is_set():
        serving.end(name, f"ended with status {status}")


def _command(port: int) -> list[str]:
    root = str(Path(__file__).parents[1])
    uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "flows.guard:create_app", "--app-dir", root]
    return [*uvicorn, "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]


def _wait(server: subprocess.Popen[bytes], url: str, name: str, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline and server.poll() is None:
        if is_up(url):
            return
        time.sleep(0.2)
    if disk.is_full(HOME):
        raise RunError(disk.full(HOME))
    status = server.poll()
    ended = f"did not answer within {patience_seconds:g} s" if status is None else f"ended with status {status}"
    remedy = "run again when the machine is less busy"
    said = f"; read {LOG}" if LOG.stat().st_size else f" and wrote nothing; {remedy}"
    raise RunError(f"{name} at {url} {ended}{said}")


def is_up(url: str) -> bool:
    """Tell whether a server answers at the API's address."""
    try:
        with proxies.opener(url).open(f"{url}/health", timeout=ANSWER_SECONDS):
            return True
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return False
