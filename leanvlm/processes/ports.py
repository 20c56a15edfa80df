"""A port for a server that is about to start."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody listens on, now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
