"""Start vLLM's OpenAI-compatible server on a checkpoint, look after it, and measure what its processes hold."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from leanvlm.benches.serving import supervise
from leanvlm.errors import InputError, RunError
from leanvlm.processes.ports import free_port

PYTHON = Path(".venv/vllm/bin/python")  # `make test-vllm` and `make bench-serving` make it
SECONDS = 1200  # that a server has to come up; it takes one minute on two idle cores
LINES = 40  # of a log
QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
SMALL = {"OMP_NUM_THREADS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}  # where no GPU is: threads, and GiB
BESIDE_CPU = Path("tests/serving/torchvision_beside_cpu")  # lets vLLM take either build of torchvision
PICTURES = '--limit-mm-per-prompt={"image": 4, "video": 0}'
FRESH = ("--no-enable-prefix-caching", "--mm-processor-cache-gb=0")  # each answer is worked for


@dataclass(frozen=True)
class Server:
    """A server that runs, and where it was started from here its process and its log."""

    url: str
    process: psutil.Process | None = None
    log: Path | None = None

    def memory_bytes(self) -> int | None:
        """Add up what its processes hold, pages that they share once; None where it was not started from here.

        Of a GPU's memory nothing is counted: vLLM reserves what it is told to, whatever the model needs.
        """
        if self.process is None:
            return None
        return sum(int(one.memory_full_info().pss) for one in self.process.children(recursive=True))

    def wait(self) -> None:
        """Wait until it answers.

        Raises: RunError with the end of its log where it ends before, or takes too long.
        """
        assert self.process is not None
        assert self.log is not None
        end = time.monotonic() + SECONDS
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/health", timeout=SECONDS, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(1)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-LINES:])
        raise RunError(f"vLLM did not come up; its log {self.log} ends with:\n{tail}")


@contextmanager
def served(
    folder: Path,
    *,
    log: Path,
    python: Path | str = PYTHON,
    dtype: str = "auto",
    side_by_side: int = 4,
    most_tokens: int = 4096,
    arguments: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Serve a checkpoint on loopback for the length of a `with`; no process is left, however this one ends.

    Takes: python, of the environment that vLLM is in; side_by_side, the most answers at a time; most_tokens, of a
    prompt and its answer; arguments and variables, what else vLLM's command line and environment are to say.

    Raises: InputError where there is no such Python, RunError where the server does not come up.
    """
    if not Path(python).is_file():
        raise InputError(f"{python} does not exist; `make bench-serving` installs vLLM there, or name the Python of "
                         "its environment with --python")  # fmt: skip
    port = free_port()
    command = [python, "-m", "vllm.entrypoints.openai.api_server", f"--model={folder}", "--served-model-name=model"]
    command += [f"--dtype={dtype}", "--host=127.0.0.1", f"--port={port}", PICTURES, *arguments]
    command += [f"--max-model-len={most_tokens}", f"--max-num-seqs={side_by_side}"]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        supervisor = subprocess.Popen(
            [sys.executable, supervise.__file__, *command],
            stdin=subprocess.PIPE, stdout=file, stderr=file, env=environment(variables), start_new_session=True,
        )  # fmt: skip
        try:
            server = Server(f"http://127.0.0.1:{port}", psutil.Process(supervisor.pid), log)
            server.wait()
            yield server
        finally:
            assert supervisor.stdin is not None
            supervisor.stdin.close()
            supervisor.wait()


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tell vLLM's Python to be quiet, small where nobody said otherwise, and to take either build of torchvision."""
    return {**SMALL, **os.environ, **QUIET, "PYTHONPATH": str(BESIDE_CPU.absolute()), **(variables or {})}
