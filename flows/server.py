"""A Prefect server that cannot outlive the process that started it: a run's temporary one, and that of `make serve`.

Prefect's own temporary server is orphaned by a kill and then holds the terminal; ours asks Linux to die with its parent
and writes to a file.
"""

from __future__ import annotations

import http
import http.client
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from flows import history, proxies, serving
from flows.guard import SETTING
from leanvlm import disk
from leanvlm.errors import InputError, RunError
from leanvlm.processes.children import dying_with_this
from leanvlm.processes.ports import free_port

HOME = Path(".prefect")
SERVING = HOME / "serving"  # held by the process of `make serve`; says where
LOG = HOME / "server.log"
PASSWORD = "PREFECT_API_AUTH_STRING"
ANSWER_SECONDS = 5
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
    """Name a Prefect API in the environment for the length of a `with`: its own, that of `make serve`, or a new one.

    Raises: InputError where the environment names a server that does not answer, or one asks for another password;
        RunError where that of `make serve` does not answer, or our own does not come up.
    """
    set_up()
    if url := os.environ.get("PREFECT_API_URL"):
        _require(url)
        yield url
        return
    found = serving.find(SERVING, _answers, patience_seconds=patience_seconds)
    with _temporary(patience_seconds) if found is None else _served(found) as url:
        os.environ["PREFECT_API_URL"] = url
        try:
            yield url
        finally:
            _say_the_rest()
            os.environ.pop("PREFECT_API_URL", None)


@contextmanager
def _served(url: str) -> Iterator[str]:
    _refuse_another_password(url)
    print(f"this run is seen in the UI of `make serve`, {url.removesuffix('/api')}", flush=True)
    with serving.ending_with(SERVING):
        yield url


@contextmanager
def _temporary(patience_seconds: float) -> Iterator[str]:
    port = free_port()
    own = {SETTING: f"http://127.0.0.1:{port}"}  # not what the user let in to another server
    with own_server(port, name="Prefect's temporary server", settings=own, patience_seconds=patience_seconds) as url:
        yield url


def set_up() -> None:
    """Tell Prefect, in this process and its children, where its files lie, to be quiet and to ask no proxy for us."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ.update(proxies.without_loopback(os.environ))
    if "PREFECT_API_URL" not in os.environ:
        HOME.mkdir(exist_ok=True)
        os.environ.setdefault("PREFECT_HOME", str(HOME.resolve()))


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


def _require(url: str) -> None:
    if _answers(url):
        if "PREFECT_API_KEY" not in os.environ:  # of Prefect's own service, which knows no password
            _refuse_another_password(url)
        return
    proxy = proxies.in_the_way(url)
    blamed = f", asked through the proxy that {proxy} names" if proxy else ""
    remedy = "start it, add its host to no_proxy" if proxy else "start it"
    raise InputError(f"no Prefect server answers at PREFECT_API_URL={url[:100]}{blamed}; {remedy}, or unset "
                     "PREFECT_API_URL and let this run have its own")  # fmt: skip


def _refuse_another_password(url: str) -> None:
    """Refuse a server that would answer every question of Prefect's with 401, which is a traceback there."""
    asked = urllib.request.Request(f"{url}/admin/version")  # which asks for it, as /health does not
    if (password := os.environ.get(PASSWORD)) is not None:
        asked.add_header("Authorization", f"Basic {b64encode(password.encode()).decode()}")
    try:
        proxies.opener(url).open(asked, timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.UNAUTHORIZED:
            raise InputError(f"the Prefect server at {url[:100]} asks for another password; set {PASSWORD} as the "
                             "terminal has it in which the server was started")  from None  # fmt: skip
    except OSError:  # whoever uses it next learns that it is gone, and says so
        return


def _say_the_rest() -> None:
    """Let Prefect's threads hand over logs and events while there is a server: later, they retry for a minute."""
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()
        EventsWorker.drain_all(timeout=5)


def _wait(server: subprocess.Popen[bytes], url: str, name: str, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(url):
            return
        time.sleep(0.2)
    if disk.is_full(HOME):
        raise RunError(disk.full(HOME))
    status = server.poll()
    ended = f"did not answer within {patience_seconds:g} s" if status is None else f"ended with status {status}"
    remedy = "run again when the machine is less busy"
    said = f"; read {LOG}" if LOG.stat().st_size else f" and wrote nothing; {remedy}"
    raise RunError(f"{name} at {url} {ended}{said}")


def _answers(url: str) -> bool:
    try:
        with proxies.opener(url).open(f"{url}/health", timeout=ANSWER_SECONDS):
            return True
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return False
