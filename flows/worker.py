"""The worker of `make serve`: starts a process for each run, as many side by side as it has slots."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from prefect.workers.process import ProcessWorker

from flows.engine import WORKER
from leanvlm import files
from leanvlm.params import read

POOL = "leanvlm"
GPUS = Path("/proc/driver/nvidia/gpus")  # a folder each; asking torch would take 400 MB for as long as the worker lives


def slots() -> int:
    """Return how many runs may be on their way: one on a CPU, one for each GPU where answers are made on GPUs."""
    if read(files.PARAMS).answer.device == "cpu" or not GPUS.is_dir():
        return 1
    return max(1, len(list(GPUS.iterdir())))


def main() -> None:
    """Work until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, required=True)
    os.environ[WORKER] = str(os.getpid())
    asyncio.run(ProcessWorker(POOL, name="worker", limit=parser.parse_args().slots).start())


if __name__ == "__main__":
    main()
