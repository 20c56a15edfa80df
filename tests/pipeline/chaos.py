"""What `make test-chaos` kills: the kinds of process that runs have, the ways to start one, and at which moment it is.

A kind of process is a line of KINDS, a way to start a run is a line of STARTS.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from tests.pipeline.test_endings import left_of, line_of, started

KINDS = {  # words of a command line, and the kind of process that has them; the first that fits
    "-m dvc repro": "dvc",
    "-m leanvlm.clock.process": "clock",
    "-m stages.": "stage",
    "uvicorn": "server",
    "resource_tracker": "tracker",
    "spawn_main": "worker",
    "-m leanvlm.pipeline.reproduce": "run",
}
STARTS: tuple[Callable[[Path], subprocess.Popen[str]], ...] = (
    lambda folder: started(folder, "-m", "leanvlm.pipeline.reproduce"),
)
ORDER = ("fetch", "samples", "calibration", "record", "compress", "audit", "answer", "judge", "grade", "clock", "check",
         "tally", "report")  # fmt: skip
BETWEEN = "between"  # stages: Python or DVC is starting, or hashing
WITHIN_SECONDS = 8.0  # of a moment, by when what a stage starts is there
STAGE = re.compile(r"-m stages\.(\w+)")

Killed = Counter[tuple[str, str]]  # by kind and moment


def n_kills() -> int:
    """Say how many processes are killed: LEANVLM_KILLS, which `make test-chaos KILLS=20` sets."""
    return int(os.environ.get("LEANVLM_KILLS") or 100)


def seed() -> int:
    """Say which moments are drawn."""
    return int(os.environ.get("LEANVLM_SEED") or 0)


def kind_of(process: psutil.Process) -> str:
    """Name the kind of a process."""
    return next((kind for words, kind in KINDS.items() if words in line_of(process)), "other")


def moment_of(processes: Sequence[psutil.Process]) -> str:
    """Name the stage that is running."""
    found = [match[1] for one in processes if (match := STAGE.search(line_of(one)))]
    return found[0] if found else BETWEEN


def wait_for_a_moment(folder: Path, whole: subprocess.Popen[str], rng: random.Random) -> None:
    """Let up to two stages pass, and some seconds: a kill is as likely early and late in a run, however fast it is."""
    n_left, before = rng.randrange(3), BETWEEN
    while n_left and whole.poll() is None:
        now = moment_of(left_of(folder))
        n_left -= now not in (before, BETWEEN)
        before = now if now != BETWEEN else before
        time.sleep(0.1)
    time.sleep(rng.uniform(0.2, WITHIN_SECONDS))


def of_kind(killed: Killed) -> Mapping[str, int]:
    """Count the kills of each kind."""
    counts: Counter[str] = Counter()
    for (kind, _), n in killed.items():
        counts[kind] += n
    return counts


def table(killed: Killed) -> str:
    """Write counts by kind of process and by moment."""
    moments = [name for name in (BETWEEN, *ORDER) if any(moment == name for _, moment in killed)]
    rows = [["", *moments, "all"]]
    for kind, n in sorted(of_kind(killed).items()):
        rows.append([kind, *(str(killed[kind, moment] or "") for moment in moments), str(n)])
    rows.append(["all", *(str(sum(n for (_, one), n in killed.items() if one == moment)) for moment in moments),
                 str(killed.total())])  # fmt: skip
    return "\n".join("".join(f"{cell:>{12 if place else 8}}" for place, cell in enumerate(row)) for row in rows)
