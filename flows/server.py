"""Which Prefect server a run uses: the one that the environment names, that of `make serve`, or one of its own."""

from __future__ import annotations

import http
import os
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from flows import proxies, serving
from flows.guard import SETTING
from flows.own_server import ANSWER_SECONDS, HOME, is_up, own_server
from leanvlm.errors import InputError
from leanvlm.processes.ports import free_port

SERVING = HOME / "serving"  # held by the process of `make serve`; says where
PASSWORD = "PREFECT_API_AUTH_STRING"
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
    found = serving.find(SERVING, is_up, patience_seconds=patience_seconds)
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


def _require(url: str) -> None:
    if is_up(url):
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
