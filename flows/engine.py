"""What a worker starts for each run: Prefect's engine, in a process that is killed when its worker is."""

from __future__ import annotations

import os
import runpy

from leanvlm.processes.children import die_with_parent

WORKER = "LEANVLM_WORKER"  # in the environment of what a worker starts: its number

if __name__ == "__main__":
    die_with_parent(int(os.environ[WORKER]))
    runpy.run_module("prefect.engine", run_name="__main__")
