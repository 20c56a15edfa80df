"""A server answers programs and its own pages, behind a broken proxy too, and no foreign page; what it cannot do."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from flows import own_server, server
from flows.guard import SETTING
from leanvlm.errors import InputError, RunError

ROOT = Path(__file__).parents[2]
EVIL = {"Origin": "http://evil.example"}
NO_PROXY_HERE = ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY")
TEMPORARY = """
from flows.server import prefect_server
with prefect_server(patience_seconds=60) as url:
    from prefect.client.orchestration import get_client  # asked as a flow asks
    with get_client(sync_client=True) as client:
        assert client.api_healthcheck() is None
        print(url, flush=True)
    input()
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of a temporary server; a broken proxy is in its environment and its client's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_") and k not in NO_PROXY_HERE}
    broken = {"http_proxy": "http://127.0.0.1:9", "PYTHONPATH": str(ROOT)}
    other = {"PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "*"}  # what the user lets in to another server
    child = subprocess.Popen(
        [sys.executable, "-c", TEMPORARY],
        cwd=tmp_path_factory.mktemp("server"),
        env=kept | broken | other,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = child.stdout.readline()
    found = re.search(r"http://(127\.0\.0\.1:\d+)", said)
    assert found, said
    yield found[1]
    child.kill()
    child.communicate()


def ask(address: str, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, str]:
    """Return the status of an answer and which origin may read it; a body without a type is sent without one."""
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request(method, path, body, headers)
        with connection.getresponse() as answer:
            return answer.status, answer.getheader("Access-Control-Allow-Origin", "")


def test_a_foreign_page_is_not_let_in_by_a_preflight(address: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert ask(address, "OPTIONS", "/api/flows/", EVIL | asked) == (403, "")


@pytest.mark.parametrize("kind", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}])
def test_a_foreign_page_writes_nothing(address: str, kind: dict[str, str]) -> None:
    body = json.dumps({"name": "by-a-page"})
    assert ask(address, "POST", "/api/flows/", EVIL | kind, body) == (403, "")
    assert ask(address, "GET", "/api/flows/name/by-a-page", {})[0] == 404


def test_a_program_and_an_own_page_write(address: str) -> None:
    """Without a content type too: what a foreign page could send, were it let in."""
    own = {"Origin": f"http://{address}"}
    assert ask(address, "POST", "/api/flows/", {}, json.dumps({"name": "by-a-program"}))[0] == 201
    assert ask(address, "GET", "/api/flows/name/by-a-program", {})[0] == 200
    assert ask(address, "POST", "/api/flows/", own, json.dumps({"name": "by our page"})) == (201, own["Origin"])


def test_a_name_that_was_made_to_mean_this_machine_is_refused(address: str) -> None:
    host, port = address.split(":")
    assert ask(address, "GET", "/api/health", {"Host": f"evil.example:{port}"}) == (403, "")
    assert ask(address, "GET", "/api/health", {"Host": f"localhost:{port}"})[0] == 200
    assert host == "127.0.0.1"


def test_make_serve_starts_the_guarded_server() -> None:
    rule = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nserve: setup\n")[1].splitlines()[0]
    assert rule.endswith("/python -m flows.serve")


def test_the_ui_is_served(address: str) -> None:
    assert ask(address, "GET", "/ui-settings", {"Origin": f"http://{address}"})[0] == 200


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PREFECT_SERVER_API_HOST", "0.0.0.0", "`make serve` listens on 127.0.0.1 only"),
        ("PREFECT_SERVER_API_PORT", "{port}", "cannot be used"),
        (SETTING, "*", "is not an origin"),
    ],
)
def test_what_make_serve_cannot_do_is_one_sentence(name: str, value: str, said: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shutil.copy(ROOT / "params.yaml", tmp_path)
        own = {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_API_PORT": "0"}
        own[name] = value.format(port=taken.getsockname()[1])
        command = [sys.executable, "-m", "flows.serve"]
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | own, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(done.stderr) <= 310


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An environment of the test's own, that the server writes into, and no server that it names."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    os.environ.pop("PREFECT_API_URL", None)
    yield
    os.environ.clear()
    os.environ.update(before)


def start(monkeypatch: pytest.MonkeyPatch, script: str) -> str:
    """Start a script as the server; return what the failure says."""
    monkeypatch.setattr(own_server, "_command", lambda port: [sys.executable, "-c", script])
    with pytest.raises(RunError) as caught, server.prefect_server(patience_seconds=1.5):
        pass
    assert len(str(caught.value)) <= 300
    return str(caught.value)


@pytest.mark.usefixtures("_alone")
def test_a_server_that_dies_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    said = start(monkeypatch, "raise SystemExit(3)")
    assert time.monotonic() - began < 1.5
    assert "ended with status 3 and wrote nothing" in said
    assert "read " not in said


@pytest.mark.usefixtures("_alone")
def test_a_silent_server_is_told_by_its_address_and_our_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    said = start(monkeypatch, "import time; time.sleep(60)")
    assert "at http://127.0.0.1:" in said
    assert "did not answer within 1.5 s and wrote nothing" in said


@pytest.mark.usefixtures("_alone")
def test_a_log_is_pointed_to_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert start(monkeypatch, "print('oh no')").endswith("ended with status 0; read .prefect/server.log")


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_a_proxy_before_a_server_that_does_not_answer_is_named(name: str) -> None:
    for other in ("http_proxy", "HTTP_PROXY", *NO_PROXY_HERE):
        os.environ.pop(other, None)
    os.environ[name] = "http://user:secret@127.0.0.1:9"
    os.environ["PREFECT_API_URL"] = "http://prefect.example:4200/api"
    with pytest.raises(InputError) as caught, server.prefect_server():
        pass
    assert f"through the proxy that {name} names; start it, add its host to no_proxy" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_a_run_whose_server_is_killed_ends_with_a_sentence(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", TEMPORARY], cwd=tmp_path, env=kept, text=True, **pipes)  # type: ignore[call-overload]
    assert child.stdout.readline().startswith("http")
    [own] = [one for one in psutil.Process(child.pid).children() if "uvicorn" in " ".join(one.cmdline())]
    own.kill()
    assert child.wait(timeout=10) == 1  # while it waits for input, as a flow waits for answers
    said = child.communicate()[1]
    assert "leanvlm: Prefect's temporary server ended with status -9; what was done is kept" in said
    assert "Traceback" not in said
