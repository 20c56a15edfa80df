"""Start vLLM's OpenAI-compatible server on a checkpoint, in the environment of `make test-vllm`, and ask it."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from leanvlm.sample import Sample

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv/vllm/bin/python"
SECONDS = 1200  # that a server has to come up; it takes one minute on two idle cores
LINES = 40  # of a log
QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
SMALL = {"OMP_NUM_THREADS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}  # GiB
PICTURES = '--limit-mm-per-prompt={"image": 4, "video": 0}'
LIMITS = ("--max-model-len=4096", "--max-num-seqs=4", "--enforce-eager", PICTURES)


def environment() -> dict[str, str]:
    """Tell vLLM's Python to be quiet and small, and to take either build of torchvision."""
    return {**os.environ, **QUIET, **SMALL, "PYTHONPATH": str(HERE / "torchvision_beside_cpu")}


@contextmanager
def served(folder: Path, *, dtype: str, log: Path) -> Iterator[httpx.Client]:
    """Serve a checkpoint on loopback for the length of a `with`; no process is left, however this one ends."""
    port = free_port()
    command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", f"--model={folder}", "--served-model-name=model"]
    command += [f"--dtype={dtype}", "--host=127.0.0.1", f"--port={port}", *LIMITS]
    with log.open("wb") as file:
        supervisor = subprocess.Popen(
            [sys.executable, HERE / "supervise.py", *command],
            stdin=subprocess.PIPE, stdout=file, stderr=file, env=environment(), start_new_session=True,
        )  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600, trust_env=False) as client:
                wait_for(client, supervisor, folder, log)
                yield client
        finally:
            assert supervisor.stdin is not None
            supervisor.stdin.close()
            supervisor.wait()


def wait_for(client: httpx.Client, supervisor: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    """Wait until the server answers; fail with the end of its log where it ends or takes too long."""
    end = time.monotonic() + SECONDS
    while supervisor.poll() is None and time.monotonic() < end:
        try:
            if client.get("/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-LINES:])
    pytest.fail(f"vLLM did not come up with {folder}; its log ends with:\n{tail}", pytrace=False)


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def ask(client: httpx.Client, sample: Sample, *, limit: int) -> str:
    """Ask one question about its pictures, greedily, and return the answer."""
    urls = [f"data:image/png;base64,{base64.b64encode(file).decode()}" for file in sample.encoded()]
    content = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    message = {"role": "user", "content": [*content, {"type": "text", "text": sample.question}]}
    asked = {"model": "model", "messages": [message], "temperature": 0, "max_tokens": limit}
    reply = client.post("/v1/chat/completions", json=asked).raise_for_status().json()
    return str(reply["choices"][0]["message"]["content"]).strip()
