"""A server on this machine that streams as OpenAI's does: pieces of an answer, each after a pause that a test sets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any


@dataclass
class Streaming:
    """What the server says, and what it was asked."""

    url: str = ""
    pieces: tuple[str, ...] = ("a", "b", "c")
    first_seconds: float = 0.0  # before the first piece
    token_seconds: float = 0.0  # before each further one
    instead: Callable[[BaseHTTPRequestHandler], None] | None = None  # of an answer
    usage: Any = field(default_factory=lambda: {"completion_tokens": 4})
    bodies: list[dict[str, Any]] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    lock: Any = field(default_factory=Lock)


@contextmanager
def streaming() -> Iterator[Streaming]:
    fake = Streaming()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v1/models"
            reply(self, 200, json.dumps({"data": [{"id": "fake"}]}))

        def do_POST(self) -> None:
            assert self.path == "/v1/chat/completions"
            fake.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            with fake.lock:
                fake.at_once += 1
                fake.most_at_once = max(fake.most_at_once, fake.at_once)
            (fake.instead or answer)(self)
            with fake.lock:
                fake.at_once -= 1

        def log_message(self, format: str, *args: Any) -> None:
            pass

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        event(handler, {"choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
        for index, piece in enumerate(fake.pieces):
            time.sleep(fake.token_seconds if index else fake.first_seconds)
            event(handler, {"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
        time.sleep(fake.token_seconds)
        event(handler, {"choices": [{"delta": {}, "finish_reason": "stop"}]})
        event(handler, {"choices": [], "usage": fake.usage})
        handler.wfile.write(b"data: [DONE]\n\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


def event(handler: BaseHTTPRequestHandler, said: dict[str, Any]) -> None:
    handler.wfile.write(f"data: {json.dumps(said)}\n\n".encode())


def reply(handler: BaseHTTPRequestHandler, status: int, content: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content.encode())
