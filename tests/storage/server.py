"""An object store on this machine, from a package, and ways to it that cut."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from leanvlm.processes.children import dying_with_this
from leanvlm.processes.ports import free_port

PIECE = 2**16
VERBS = (b"GET ", b"HEAD ", b"PUT ", b"POST ", b"DELETE ")


@contextmanager
def running() -> Iterator[str]:
    """Run the server for the length of a `with`; give its address."""
    server, url = start()
    try:
        yield url
    finally:
        server.kill()
        server.wait()


def start(folder: Path | None = None) -> tuple[subprocess.Popen[str], str]:
    """Start moto's server on a free port of 127.0.0.1, in a folder; return it, and its address once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=folder, text=True, preexec_fn=dying_with_this(), **quiet)
    _wait(f"http://127.0.0.1:{port}")
    return server, f"http://127.0.0.1:{port}"


def credentials(folder: Path) -> dict[str, str]:
    """Say in which environment credentials are found: those of nobody, and none of this machine's."""
    named = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}
    homes = {"AWS_CONFIG_FILE": str(folder / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none")}
    return {**named, **homes}


def _wait(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        with suppress(OSError), opener.open(f"{url}/moto-api/data.json", timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError("moto's server did not start")


@dataclass
class Way:
    """A port that leads to a server, and closes connections once so many bytes went one way."""

    url: str = ""
    up: int | None = None  # bytes of requests after which a connection is cut
    down: int | None = None  # of replies
    cuts: int = 10**9  # how many connections are cut before the rest is left alone
    seconds: float = 0.0  # that every piece takes
    asked: list[bytes] = field(default_factory=list)  # the first line of each request
    sent: int = 0  # bytes of requests, all connections together


@contextmanager
def way_to(server: str) -> Iterator[Way]:
    """Open such a port."""
    way = Way()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)  # else the kernel takes megabytes ahead
    way.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    host, port = server.removeprefix("http://").split(":")
    Thread(target=_accept, args=(way, listener, (host, int(port))), daemon=True).start()
    try:
        yield way
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(way: Way, listener: socket.socket, server: tuple[str, int]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the test is over
        ahead = socket.create_connection(server)
        ends = (client, ahead)
        Thread(target=_carry, args=(way, client, ahead, "up", ends), daemon=True).start()
        Thread(target=_carry, args=(way, ahead, client, "down", ends), daemon=True).start()


def _carry(way: Way, source: socket.socket, sink: socket.socket, name: str, ends: tuple[socket.socket, ...]) -> None:
    n = 0
    with suppress(OSError):
        while piece := source.recv(PIECE):
            if name == "up":
                way.asked += [piece.splitlines()[0]] if piece.startswith(VERBS) else []
                way.sent += len(piece)
            time.sleep(way.seconds)
            n += len(piece)
            most = getattr(way, name)
            if most is not None and n > most and way.cuts > 0:
                way.cuts -= 1
                break
            sink.sendall(piece)
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    source.close()
