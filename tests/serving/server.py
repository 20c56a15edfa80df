"""Serve a checkpoint with vLLM in the environment of `make test-vllm`, and ask it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from leanvlm.benches.serving import server as vllm
from leanvlm.sample import Sample

PYTHON = Path(__file__).parents[2] / vllm.PYTHON


@contextmanager
def served(
    folder: Path,
    *,
    dtype: str,
    log: Path,
    arguments: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> Iterator[httpx.Client]:
    """Serve a checkpoint on loopback for the length of a `with`."""
    eager = ("--enforce-eager", *arguments)
    with (
        vllm.served(folder, log=log, python=PYTHON, dtype=dtype, arguments=eager, variables=variables) as server,
        httpx.Client(base_url=server.url, timeout=600, trust_env=False) as client,
    ):
        yield client


def ask(client: httpx.Client, sample: Sample, *, limit: int) -> str:
    """Ask one question about its pictures, greedily, and return the answer; a picture alone bears the sample's id."""
    urls = [f"data:image/png;base64,{base64.b64encode(file).decode()}" for file in sample.encoded()]
    named = {"uuid": sample.sample_id} if len(urls) == 1 else {}
    content = [{"type": "image_url", "image_url": {"url": url}, **named} for url in urls]
    message = {"role": "user", "content": [*content, {"type": "text", "text": sample.question}]}
    asked = {"model": "model", "messages": [message], "temperature": 0, "max_tokens": limit}
    reply = client.post("/v1/chat/completions", json=asked).raise_for_status().json()
    return str(reply["choices"][0]["message"]["content"]).strip()
