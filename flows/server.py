"""A temporary Prefect server that cannot outlive its run.

Prefect's own temporary server is orphaned by a kill and then holds the terminal; ours asks Linux to die with its parent
and writes to a file.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leanvlm.errors import InputError, RunError
from leanvlm.processes.children import die_with_parent

HOME = Path(".prefect")
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # errors are said once, by us, as one sentence
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_CLI_PROMPT": "false",
    "DO_NOT_TRACK": "1",
}


@contextmanager
def prefect_server(*, patience_seconds: float = 120) -> Iterator[str]:
    """Name a Prefect API in the environment for the length of a `with`.

    Raises: InputError where the environment names a server that does not answer, RunError where our own does not come
        up.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    if url := os.environ.get("PREFECT_API_URL"):
        if not _answers(f"{url}/health"):
            raise InputError(f"no Prefect server answers at PREFECT_API_URL={url}; start it, or unset the variable and "
                             "let this run have its own")  # fmt: skip
        yield url
        return
    HOME.mkdir(exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(HOME.resolve()))
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    with (HOME / "server.log").open("w") as log:
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        try:
            _wait(server, f"{url}/health", patience_seconds)
            os.environ["PREFECT_API_URL"] = url
            yield url
        finally:
            _say_the_rest()
            os.environ.pop("PREFECT_API_URL", None)
            server.kill()
            server.wait()


def _say_the_rest() -> None:
    """Let Prefect's threads hand over logs and events while there is a server: later, they retry for a minute."""
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()
        EventsWorker.drain_all(timeout=5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], url: str, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(url):
            return
        time.sleep(0.2)
    raise RunError(f"Prefect's temporary server did not start; read {HOME / 'server.log'}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError, ValueError):
        return False
