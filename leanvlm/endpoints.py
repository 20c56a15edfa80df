"""Where a judge, a cluster or an object store is: addresses that hold no secret, and whether one is on this machine."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # names of this machine for itself
BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9][\w.=-]{,99}){,10}/?", re.ASCII)


def is_bucket(url: str) -> bool:
    """Tell whether it is the address of a bucket, or of a place in one."""
    return BUCKET.fullmatch(url) is not None


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


def is_address(text: str) -> bool:
    """Tell whether it is HOST:PORT, perhaps after tcp:// or tls://; nothing stands for no address."""
    return not text or re.fullmatch(r"((tcp|tls)://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}", text) is not None


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018, which raises for what is no port
    except ValueError:
        return None
    return parts
