"""The way to an endpoint: who asks, through which proxy, and how long and how much is read."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from leanvlm.errors import InputError
from leanvlm.params.judges import Judge

MOST_BYTES = 4_000_000  # of a reply


@dataclass(frozen=True)
class Response:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def connected(judge: Judge) -> httpx.Client:
    """Open connections to an endpoint; one on this machine is asked without a proxy.

    Raises: InputError where the key is not in the environment, or is none.
    """
    key = _key(judge)
    return httpx.Client(
        base_url=judge.endpoint.rstrip("/") + "/",
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=judge.timeout_seconds,
        trust_env=not judge.is_here,
        limits=httpx.Limits(max_connections=judge.workers),
    )


def post(http: httpx.Client, body: Mapping[str, Any], *, seconds: float) -> Response:
    """Post a chat and read what comes, which may trickle, for so many seconds in all.

    Raises: httpx.HTTPError where no whole response comes.
    """
    end, content = time.monotonic() + seconds, bytearray()
    with http.stream("POST", "chat/completions", json=body) as response:
        for piece in response.iter_bytes():
            content += piece
            if time.monotonic() > end:
                raise httpx.ReadTimeout("it takes too long")
            if len(content) > MOST_BYTES:
                raise httpx.DecodingError("it is too long")
        return Response(response.status_code, response.headers, bytes(content))


def without_key(text: str, http: httpx.Client) -> str:
    """Take the key out of what an endpoint says, which may repeat it."""
    key = http.headers.get("Authorization", "").removeprefix("Bearer ")
    return text.replace(key, "***") if key else text


def _key(judge: Judge) -> str:
    if not judge.key_variable:
        return ""
    key = os.environ.get(judge.key_variable, "")
    if not key:
        raise InputError(f"judge.key_variable in params.yaml names {judge.key_variable}, which is not set; set it to "
                         "the judge's key, and run again")  # fmt: skip
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise InputError(f"{judge.key_variable} holds signs that no key has; set it to the judge's key alone")
    return key
