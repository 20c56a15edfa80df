"""The guard lets in programs and the server's own pages, and refuses every other page before Prefect hears of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows.guard import guarded, origins
from leanvlm.errors import InputError

SHARED = "https://prefect.example"
OWN = [
    ("127.0.0.1:4200", None),  # a program names no origin
    ("localhost:4200", None),
    ("[::1]:4200", None),
    ("127.0.0.1", "http://127.0.0.1"),
    ("127.0.0.1:4200", "http://127.0.0.1:4200"),
    ("127.0.0.1:4200", "http://localhost:4200"),
    ("prefect.example", SHARED),  # behind a proxy that passes the name on
    ("127.0.0.1:4200", SHARED),  # or not
    ("prefect.example", None),
]
FOREIGN = [
    ("127.0.0.1:4200", "http://evil.example"),
    ("127.0.0.1:4200", "https://127.0.0.1:4200"),
    ("127.0.0.1:4200", "http://127.0.0.1:8888"),  # another program's page on this machine
    ("127.0.0.1:4200", "http://127.0.0.1.evil.example:4200"),
    ("127.0.0.1:4200", "http://evil.example@127.0.0.1:4200"),
    ("127.0.0.1:4200", "null"),  # a sandboxed frame, or a file
    ("127.0.0.1:4200", ""),
    ("127.0.0.1:4200", "https://prefect.example.evil.example"),
    ("evil.example:4200", "http://evil.example:4200"),  # a name that was made to mean 127.0.0.1
    ("evil.example:4200", None),
    ("127.0.0.1.evil.example", None),
    ("0.0.0.0:4200", "http://0.0.0.0:4200"),
    ("", None),
    (None, None),
]


def ask(kind: str, *headers: tuple[str, str | None]) -> list[Any]:
    """Return what the guard, or the server behind it, sends."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def server(scope: Any, receive: Any, send: Any) -> None:
        await send("served")

    spelt = [(name.encode(), value.encode()) for name, value in headers if value is not None]
    asyncio.run(guarded(server, allowed=(SHARED,))({"type": kind, "headers": spelt}, None, send))  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(("host", "origin"), OWN)
def test_programs_and_own_pages_are_let_in(kind: str, host: str, origin: str | None) -> None:
    assert ask(kind, ("host", host), ("origin", origin)) == ["served"]


@pytest.mark.parametrize(("host", "origin"), FOREIGN)
def test_foreign_pages_are_refused(host: str | None, origin: str | None) -> None:
    start, body = ask("http", ("host", host), ("origin", origin))
    assert (start["type"], start["status"]) == ("http.response.start", 403)
    assert b"refused" in body["body"]
    assert ask("websocket", ("host", host), ("origin", origin)) == [{"type": "websocket.close", "code": 1008}]


def test_a_second_header_does_not_hide_a_foreign_one() -> None:
    own, evil = ("origin", "http://127.0.0.1:4200"), ("origin", "http://evil.example")
    for pair in ((own, evil), (evil, own)):
        assert ask("http", ("host", "127.0.0.1:4200"), *pair)[0]["status"] == 403
    assert ask("http", ("host", "127.0.0.1:4200"), ("host", "evil.example"), own)[0]["status"] == 403


def test_the_server_starts_and_ends_behind_the_guard() -> None:
    sent: list[Any] = []

    async def server(scope: Any, receive: Any, send: Any) -> None:
        sent.append(scope["type"])

    asyncio.run(guarded(server)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert sent == ["lifespan"]


def test_origins_are_read_from_the_setting() -> None:
    assert origins("") == ()
    assert origins("http://127.0.0.1:4200, https://Prefect.Example") == ("http://127.0.0.1:4200", SHARED)


@pytest.mark.parametrize("setting", ["*", "http://a,*", "prefect.example", "http://a/path", "http://", "null"])
def test_what_is_no_origin_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=r"is not an origin; write http\(s\)://host") as caught:
        origins(setting)
    assert len(str(caught.value)) <= 300
