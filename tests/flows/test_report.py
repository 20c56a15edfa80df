"""The report is shown beside the UI: to whoever knows the password, in a sandbox, and nothing beside it."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from flows.report import with_report


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "artifacts/report"
    report.mkdir(parents=True)
    (report / "index.html").write_text("the report")
    (tmp_path / "artifacts/secret").write_text("a secret")
    (report / "link").symlink_to(tmp_path / "artifacts/secret")


def ask(path: str, *headers: tuple[str, str], password: str | None = None) -> tuple[Any, dict[str, str], str]:
    """Return the status, the headers and the body that come back; the status is "passed on" where Prefect is asked."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def prefect(_scope: Any, _receive: Any, _send: Any) -> None:
        sent.append({"status": "passed on", "headers": []})

    spelt = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "GET", "path": path, "headers": spelt, "query_string": b"", "root_path": ""}
    scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}  # type: ignore[assignment]
    asyncio.run(with_report(prefect, password=password)(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent).decode()
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, body


def test_the_report_is_shown_in_a_sandbox() -> None:
    status, headers, body = ask("/report/")
    assert (status, body) == (200, "the report")
    assert headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in headers["content-security-policy"]  # which would make its scripts the UI's


@pytest.mark.parametrize("path", ["/", "/reports", "/api/report/", "/runs"])
def test_all_else_is_prefects(path: str) -> None:
    assert ask(path)[0] == "passed on"


@pytest.mark.parametrize(
    "path", ["../secret", "a/../../secret", "/etc/passwd", "//etc/passwd", "link", "..\\secret", "\0"]
)
def test_nothing_beside_the_report_is_shown(path: str) -> None:
    status, _, body = ask(f"/report/{path}")
    assert (status, "secret" in body) == (404, False)


def test_a_password_is_asked_for() -> None:
    def basic(text: str) -> tuple[str, str]:
        return "authorization", f"Basic {base64.b64encode(text.encode()).decode()}"

    refused, headers, body = ask("/report/", password="user:password")
    assert (refused, "the report" in body) == (401, False)
    assert headers["www-authenticate"] == "Basic"
    assert ask("/report/", basic("user:passwor"), password="user:password")[0] == 401
    assert ask("/report/", basic("user:password"), password="user:password")[0] == 200
