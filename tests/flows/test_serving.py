"""A run beside `make serve` uses its server, waits while it starts, and ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from flows import runs, serving
from flows.server import SERVING, prefect_server
from leanvlm import files
from leanvlm.errors import InputError, RunError
from leanvlm.processes.lock import only_run
from tests.checkouts import ROOT, environment
from tests.flows.test_server import TEMPORARY

NOBODY = "http://127.0.0.1:9"
PASSWORD = b"Basic " + b64encode(b"me:secret")


class Stand(BaseHTTPRequestHandler):
    """What answers as a server of Prefect does that has a password."""

    def do_GET(self) -> None:
        is_open = self.path == "/api/health" or self.headers.get("Authorization", "").encode() == PASSWORD
        self.send_response(200 if is_open else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(port: int = 0) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", port), Stand) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A folder and an environment of the test's own, and a client that knows the password."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_API_AUTH_STRING"] = "me:secret"
    yield
    os.environ.clear()
    os.environ.update(before)


def used() -> str:
    with prefect_server(patience_seconds=1) as url:
        assert os.environ["PREFECT_API_URL"] == url
    assert "PREFECT_API_URL" not in os.environ
    return url


def test_the_server_that_serves_the_checkout_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with answering() as url, only_run(SERVING, says=serving.name(url)):
        assert used() == f"{url}/api"
    assert capsys.readouterr().out == f"this run is seen in the UI of `make serve`, {url}\n"


def test_a_server_that_is_starting_is_waited_for() -> None:
    with answering() as url:
        pass  # its port is free again
    late = threading.Event()

    def serve() -> None:
        with answering(int(url.rpartition(":")[2])):
            late.wait(10)

    with only_run(SERVING, says=serving.name(url)):
        timer = threading.Timer(0.5, serve)
        timer.start()
        assert used() == f"{url}/api"
        late.set()
        timer.join()


def test_one_that_never_answers_is_a_sentence() -> None:
    with (
        only_run(SERVING, says=serving.name(NOBODY)),
        pytest.raises(RunError, match=rf"does not answer at {NOBODY}/api; end it"),
    ):
        used()


def test_a_lock_that_a_killed_one_left_names_no_server() -> None:
    SERVING.parent.mkdir()
    SERVING.write_text(serving.name(NOBODY))
    assert serving.find(SERVING, lambda _: True, patience_seconds=1) is None


def test_a_lock_that_another_machine_holds_names_no_server_here() -> None:
    with only_run(SERVING, says=serving.name(NOBODY).replace(files.HOST, "other")):
        assert serving.find(SERVING, lambda _: True, patience_seconds=1) is None


def test_another_password_is_a_sentence() -> None:
    os.environ["PREFECT_API_AUTH_STRING"] = "me:wrong"
    with answering() as url, only_run(SERVING, says=serving.name(url)):
        with pytest.raises(InputError, match="asks for another password; set PREFECT_API_AUTH_STRING as the") as told:
            used()
        os.environ["PREFECT_API_URL"] = f"{url}/api"
        with pytest.raises(InputError, match="asks for another password"), prefect_server():
            pass
    assert "wrong" not in str(told.value)


def test_a_run_ends_with_make_serve_in_one_sentence() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    script = TEMPORARY.split("    from prefect")[0] + "    print(url, flush=True)\n    input()"
    told = environment(ROOT) | {"PREFECT_API_AUTH_STRING": "me:secret"}
    with answering() as url:
        with only_run(SERVING, says=serving.name(url)):
            child = subprocess.Popen([sys.executable, "-c", script], env=told, text=True, **pipes)  # type: ignore[call-overload]
            assert [child.stdout.readline() for _ in range(2)][1] == f"{url}/api\n"
            assert child.poll() is None
        assert child.wait(timeout=10) == 1
    said = child.communicate()[1].strip()
    assert (
        said
        == "leanvlm: `make serve`, whose server this run used, was ended; what was done is kept: run it again to go on"
    )


def test_runs_of_a_terminal_are_told_by_their_process() -> None:
    """Those that live are left where a worker died; those that do not are marked, but on this machine only."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not psutil.pid_exists(gone.pid)
    lost = {
        "ours": (f"process:{os.getpid()}@{files.HOST}", False),
        "gone": (f"process:{gone.pid}@{files.HOST}", True),
        "elsewhere": (f"process:{gone.pid}@other", False),
        "a worker's": ("leanvlm", False),
    }
    assert runs.mark() == lost["ours"][0]
    for name, (tag, is_lost) in lost.items():
        run = SimpleNamespace(tags=["profile:all", tag])
        assert runs._is_lost(run) == is_lost, name  # type: ignore[arg-type]
        assert (runs._process(run) is None) == (name == "a worker's")  # type: ignore[arg-type]
