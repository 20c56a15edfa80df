"""Ask an OpenAI-compatible server: one answer as it streams in, with its times, and many side by side.

Source:  POST /v1/chat/completions with `stream`: lines `data: {...}`, each with a piece of the answer; where
         `stream_options.include_usage` is asked for, one of them counts the tokens.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from leanvlm import pictures
from leanvlm.errors import RunError, in_brief
from leanvlm.models._words import content
from leanvlm.sample import Sample
from leanvlm.texts import printable

SECONDS = 600.0  # that a server may be silent
LONGEST = 200  # characters that are quoted of what it says


@dataclass(frozen=True)
class Streamed:
    """One answer; its seconds are counted from the moment that it was asked."""

    text: str
    new_tokens: int  # as the server counts them, the one that ends the answer included
    first_seconds: float  # until its first piece came: TTFT
    last_seconds: float

    @property
    def token_seconds(self) -> float | None:
        """Seconds per further token, TPOT; None where there is no further one."""
        return None if self.new_tokens < 2 else (self.last_seconds - self.first_seconds) / (self.new_tokens - 1)


@dataclass(frozen=True)
class Burst:
    """Answers that were asked side by side, in the order of their questions, and how long all of them took."""

    answers: tuple[Streamed, ...]
    seconds: float


def body(sample: Sample, *, model: str, limit: int) -> bytes:
    """Write the request for a greedy answer to one sample; its pictures stand where it says, or before its question."""
    urls = (_data_url(pictures.png(one)) for one in sample.pictures())
    laid = [
        {"type": "image_url", "image_url": {"url": next(urls)}} if part["type"] == "image" else part
        for part in content(len(sample.images), sample.question)
    ]
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": laid}],
        "temperature": 0,
        "max_tokens": limit,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return json.dumps(asked).encode()


def model_of(url: str) -> str:
    """Ask a server what the model is called that it serves.

    Raises: RunError where none answers, or not so.
    """
    try:
        with _client(url, httpx.Client) as http:
            return str(http.get("/v1/models").raise_for_status().json()["data"][0]["id"])
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreached(url, error) from None
    except (ValueError, LookupError, TypeError):
        raise RunError(f"{url} does not list its models as OpenAI's API does; name a server that does") from None


def burst(url: str, bodies: Sequence[bytes], *, concurrency: int) -> Burst:
    """Send requests, so many at a time: whoever has its answer sends the next.

    Raises: RunError for a server that is not there, breaks off, or answers with an error.
    """
    return asyncio.run(_burst(url, bodies, concurrency))


async def _burst(url: str, bodies: Sequence[bytes], concurrency: int) -> Burst:
    free = asyncio.Semaphore(concurrency)

    async def wait_and_ask(http: httpx.AsyncClient, one: bytes) -> Streamed:
        async with free:
            return await _ask(http, one)

    try:
        async with _client(url, httpx.AsyncClient) as http:
            start = time.perf_counter()
            answers = await asyncio.gather(*(wait_and_ask(http, one) for one in bodies))
            return Burst(tuple(answers), time.perf_counter() - start)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreached(url, error) from None


async def _ask(http: httpx.AsyncClient, one: bytes) -> Streamed:
    pieces, times, new_tokens = list[str](), list[float](), None
    start = time.perf_counter()
    headers = {"Content-Type": "application/json"}
    async with http.stream("POST", "/v1/chat/completions", content=one, headers=headers) as response:
        if response.is_error:
            raise _refused(http, f"status {response.status_code}", (await response.aread()).decode(errors="replace"))
        async for line in response.aiter_lines():
            event = _event(http, line)
            new_tokens = (event.get("usage") or {}).get("completion_tokens", new_tokens)
            for choice in event.get("choices", ()):
                if (piece := choice["delta"].get("content")) or choice.get("finish_reason"):
                    pieces.append(piece or "")
                    times.append(time.perf_counter() - start)
    if not times or not isinstance(new_tokens, int):
        raise _refused(http, "an answer that is not whole", "".join(pieces))
    return Streamed("".join(pieces).strip(), new_tokens, times[0], times[-1])


def _event(http: httpx.AsyncClient, line: str) -> dict[str, Any]:
    """Read one line of a stream; those that carry nothing are empty."""
    kind, _, said = line.partition(":")
    if kind != "data" or said.strip() == "[DONE]":
        return {}
    try:
        found = json.loads(said)
    except ValueError:
        raise _refused(http, "a line that is no JSON", said.strip()) from None
    if not isinstance(found, dict) or "error" in found:
        raise _refused(http, "an error", said.strip())
    return found


def _client(url: str, kind: Any) -> Any:
    return kind(base_url=url, timeout=SECONDS, limits=httpx.Limits(max_connections=None), trust_env=False)


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _refused(http: httpx.AsyncClient, what: str, said: str) -> RunError:
    return RunError(f"the server at {http.base_url} sent {what}: {printable(said)[:LONGEST]}")


def _unreached(url: str, error: Exception) -> RunError:
    return RunError(f"the server at {url} is not there or broke off ({in_brief(error)}); start it, or read its log")
