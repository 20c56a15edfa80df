"""What `make serve` starts: Prefect's server and its UI for this machine alone, the deployments, and a worker.

All of it dies with this process, and so do the runs; docs/operations.md says how to let others in.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx

from flows import serving
from flows.guard import SETTING, origins
from flows.own_server import own_server
from flows.server import SERVING, set_up
from leanvlm import files
from leanvlm.endpoints import LOOPBACK
from leanvlm.errors import InputError, RunError, exit_on_error
from leanvlm.params import read
from leanvlm.pipeline.reproduce import HOLD
from leanvlm.processes.children import dying_with_this
from leanvlm.processes.lock import is_held, only_run

LOOK_SECONDS = 5  # between two looks for runs that were killed
SHORTEST_SECONDS = 30  # that a worker must have lived to be replaced when it ends by itself


def main() -> None:
    """Serve until interrupted.

    Raises: InputError where settings ask for another address than 127.0.0.1, the port is taken or params.yaml cannot be
        used; RunError where this checkout is served already, or its server or worker does not come up.
    """
    read(files.PARAMS)
    set_up()
    from prefect.settings import PREFECT_API_URL, temporary_settings

    port = _port()
    url = f"http://127.0.0.1:{port}"
    with only_run(SERVING, says=serving.name(url), refusal="this checkout is served already at {}"):
        _refuse_a_taken_port(port)
        os.environ.setdefault("PREFECT_UI_API_URL", f"{url}/api")
        origins(os.environ.setdefault(SETTING, url))
        with own_server(port, name="the server") as api:
            os.environ["PREFECT_API_URL"] = api
            with temporary_settings({PREFECT_API_URL: api}):  # of this process, which has read its environment
                _work(url)


def _port() -> int:
    from prefect.settings import get_current_settings

    api = get_current_settings().server.api
    if api.host not in LOOPBACK:
        raise InputError(f"PREFECT_SERVER_API_HOST is {api.host!r}, and `make serve` listens on 127.0.0.1 only; unset "
                         "it, and see docs/operations.md for a proxy with a password before it")  # fmt: skip
    return api.port


def _refuse_a_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); end what listens there, or "
                             "set PREFECT_SERVER_API_PORT")  from None  # fmt: skip


def _work(url: str) -> None:
    """Deploy, and keep a worker at work; a killed one is replaced, and its runs are started once more."""
    from flows import runs  # Prefect reads its settings when it is imported
    from flows.deploy import deploy
    from flows.worker import slots

    if not is_held(HOLD) and (ended := runs.end_all()):  # where it is held, one of them may be alive
        print(f"{len(ended)} runs had been killed and are marked as crashed", flush=True)
    deploy()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # prefect.yaml says `python`
    print(f"Prefect's UI and API: {url} (Ctrl-C ends it, and its runs)", flush=True)
    while True:
        began = time.monotonic()
        status = _watched(
            subprocess.Popen(
                [sys.executable, "-m", "flows.worker", "--slots", str(slots())],
                start_new_session=True,
                preexec_fn=dying_with_this(),
            )
        )
        if status != -signal.SIGKILL and time.monotonic() - began < SHORTEST_SECONDS:
            raise RunError(f"the worker ended with status {status} as soon as it was started; its message is above")
        print(f"the worker ended with status {status}; another one takes its place", flush=True)
        runs.resume(runs.end_all())


def _watched(worker: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a worker, and start runs once more whose process is killed meanwhile."""
    from flows import runs

    began = datetime.now(UTC)
    while True:
        try:
            return worker.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(httpx.HTTPError):  # a busy server is asked again
                runs.resume_killed(began)
                runs.end_lost()


if __name__ == "__main__":
    exit_on_error(main)
