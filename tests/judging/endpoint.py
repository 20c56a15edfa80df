"""An endpoint on this machine that replies, or does not, as a test has it; it keeps what it was sent."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Behave = Callable[[BaseHTTPRequestHandler], None]
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}


@dataclass
class Endpoint:
    """Says how to treat a request by what its last message says, and how often it came before."""

    url: str = ""
    treat: Callable[[str, int], Behave] = lambda said, n: says("0.5")
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def said(self) -> list[str]:
        return [text_of(body) for body in self.bodies]


def text_of(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


@contextmanager
def serving() -> Iterator[Endpoint]:
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said, n = text_of(body), endpoint.said.count(text_of(body))
            endpoint.bodies.append(body)
            endpoint.headers.append(dict(self.headers))
            assert self.path == "/v1/chat/completions"
            endpoint.treat(said, n)(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


def says(text: Any, *, usage: Any = USAGE) -> Behave:
    return sends(200, json.dumps({"choices": [{"message": {"content": text}}], "usage": usage}))


def sends(status: int, content: str, headers: Mapping[str, str] = {}) -> Behave:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content.encode())), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content.encode())

    return behave


def closes(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def sleeps(seconds: float) -> Behave:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        closes(handler)

    return behave


def trickles(handler: BaseHTTPRequestHandler) -> None:
    """Send a byte at a time, each soon enough and all of them far too late."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(30):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        return  # nobody listens any more
    closes(handler)
