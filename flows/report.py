"""The report beside the Prefect UI, on the same port: the last one that was written, for whoever may see the UI."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from leanvlm import files

PATH = "/report"
# Its scripts run, but as those of nobody's page: the guard refuses them should they ask the server for anything.
POLICY = (b"content-security-policy", b"sandbox allow-scripts allow-popups")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def with_report(app: App, *, password: str | None) -> App:
    """Serve the report's folder under PATH, and all else by `app`; a password is asked for as the API asks for it."""
    pages = FastAPI(openapi_url=None)
    pages.mount(PATH, StaticFiles(directory=files.REPORT.parent, html=True, check_dir=False))

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == PATH or path.startswith(f"{PATH}/")):
            await app(scope, receive, send)
        elif password is not None and not _knows(scope["headers"], password):
            await _say(send, 401, "the password of this server is needed", (b"www-authenticate", b"Basic"))
        elif not files.REPORT.is_file():
            await _say(send, 404, "there is no report yet; a run of the whole pipeline writes it")
        else:
            await pages(scope, receive, _sandboxed(send))

    return answer


async def _say(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [kind, *headers]})
    await send({"type": "http.response.body", "body": text.encode()})


def _sandboxed(send: Send) -> Send:
    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], POLICY]
        await send(message)

    return forward


def _knows(headers: list[tuple[bytes, bytes]], password: str) -> bool:
    expected = b"Basic " + base64.b64encode(password.encode())
    return any(name == b"authorization" and hmac.compare_digest(value, expected) for name, value in headers)
