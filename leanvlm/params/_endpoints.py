"""Where a judge is asked: an address that holds no secret, and whether it is on this machine."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_endpoint(url: str) -> bool:
    """Tell whether it is an address of the web without a user, a password or a query, which may hold a key."""
    parts = _parts(url)
    if parts is None or not url.isprintable() or " " in url:
        return False
    is_bare = "@" not in parts.netloc and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_bare


def is_loopback(url: str) -> bool:
    """Tell whether an endpoint is on this machine."""
    parts = _parts(url)
    return parts is not None and parts.hostname in LOOPBACK


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018, which raises for what is no port
    except ValueError:
        return None
    return parts
