"""What `make test-chaos` kills: the kinds of process that runs have, the ways to start one, and at which moment it is.

A kind of process is a line of KINDS, a way to start a run is a line of STARTS.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from leanvlm.processes.ports import free_port
from leanvlm.storage._client import client
from tests.flows.served import serve
from tests.pipeline.test_endings import left_of, line_of, started
from tests.storage import server

KINDS = (  # words of a command line and of its parent's, and the kind of process that has them; the first that fits
    ("resource_tracker import", "", "tracker"),
    ("moto.server", "", "bucket"),
    ("-m flows.clusters.loopback", "", "scheduler"),
    ("spawn_main", "-m flows.clusters.loopback", "dask worker"),
    ("-m flows.serve", "", "serve"),
    ("uvicorn", "-m flows.serve", "UI server"),
    ("-m flows.worker", "", "UI worker"),
    ("-m flows.engine", "", "UI run"),
    ("-m flows.ahead", "", "ahead"),
    ("-m dvc", "", "dvc"),
    ("-m leanvlm.clock.process", "", "clock"),
    ("-m stages.", "", "stage"),
    ("uvicorn", "", "server"),
    ("spawn_main", "", "worker"),
    ("-m leanvlm.pipeline.reproduce", "", "run"),
)
RUN = ("-m", "leanvlm.pipeline.reproduce")
LAID = "laid.yaml"  # over params.yaml
ORDER = ("fetch", "samples", "calibration", "record", "ahead", "compress", "audit", "answer", "judge", "grade", "clock",
         "check", "tally", "report")  # fmt: skip
BETWEEN = "between"  # stages: Python or DVC is starting, or hashing
WITHIN_SECONDS = 8.0  # of a moment, by when what a stage starts is there
STAGE = re.compile(r"-m (?:stages\.|flows\.(?=ahead))(\w+)")

Killed = Counter[tuple[str, str]]  # by kind and moment


@dataclass(frozen=True)
class Started:
    """A run, and the processes that it uses and does not start; they end after it."""

    whole: subprocess.Popen[str]
    beside: subprocess.Popen[str] | None = None

    def said(self, *, within: float) -> str:
        """Let a run end, and kill one that can do without what was killed; return what all of it said."""
        try:
            said = "".join(self.whole.communicate(timeout=within))
        except subprocess.TimeoutExpired:
            self.whole.kill()
            said = "".join(self.whole.communicate())
        if self.beside is not None:
            self.beside.send_signal(signal.SIGTERM)
            said += "".join(filter(None, self.beside.communicate(timeout=60)))
        return said


def by_the_ui(folder: Path) -> Started:
    """Serve the checkout, and submit a form."""
    served = serve(folder)
    assert served.start("reproduce", {})[0] == 201
    return Started(served.process)


def on_dask(folder: Path) -> Started:
    """Have a worker of a cluster answer and compress, which was there before the run."""
    port = free_port()
    cluster = started(folder, "-m", "flows.clusters.loopback", "1", str(port))
    assert cluster.stdout is not None
    assert f":{port}" in cluster.stdout.readline()
    laid = {"cluster": {"runner": "dask", "address": f"tcp://127.0.0.1:{port}"}}
    (folder / LAID).write_text(json.dumps(laid))
    return Started(started(folder, *RUN, "--overlay", LAID), cluster)


def on_a_bucket(folder: Path) -> Started:
    """Keep cells in an object store; what lay there is gone with it."""
    store, url = server.start(folder)
    client(url, "us-east-1").create_bucket(Bucket="cells")
    (folder / LAID).write_text(json.dumps({"storage": {"url": "s3://cells", "endpoint": url}}))
    return Started(started(folder, *RUN, "--overlay", LAID), store)


@dataclass(frozen=True)
class Start:
    """A way to start a run."""

    begin: Callable[[Path], Started]
    own: tuple[str, ...] = ()  # kinds of process that no other way has, which are killed before others
    awaits: str = ""  # a kind of process that answers need: a kill comes later than it


STARTS = (
    Start(lambda folder: Started(started(folder, *RUN))),
    Start(by_the_ui, ("UI server", "UI worker", "UI run", "serve")),
    Start(on_dask, ("dask worker", "scheduler", "ahead"), "server"),
    Start(on_a_bucket, ("bucket",), "worker"),
)


def n_kills() -> int:
    """Say how many processes are killed: LEANVLM_KILLS, which `make test-chaos KILLS=100` sets."""
    return int(os.environ.get("LEANVLM_KILLS") or 24)


def seed() -> int:
    """Say which moments are drawn."""
    return int(os.environ.get("LEANVLM_SEED") or 0)


def starts() -> Sequence[Start]:
    """Say how runs are started, in turn: in all ways, or in those whose places LEANVLM_STARTS names, such as 1,3."""
    named = os.environ.get("LEANVLM_STARTS")
    return [STARTS[int(place)] for place in named.split(",")] if named else STARTS


def kind_of(process: psutil.Process) -> str:
    """Name the kind of a process."""
    own, above = line_of(process), ""
    with suppress(psutil.Error):
        above = line_of(process.parent())
    return next((kind for words, parents, kind in KINDS if words in own and parents in above), "other")


def moment_of(processes: Sequence[psutil.Process]) -> str:
    """Name the stage that is running."""
    found = [match[1] for one in processes if (match := STAGE.search(line_of(one)))]
    return found[0] if found else BETWEEN


def wait_for_a_moment(folder: Path, whole: subprocess.Popen[str], rng: random.Random, awaits: str) -> None:
    """Let up to two stages pass, or wait until cells are answered or a cluster compresses, and some seconds.

    So a kill is as likely early and late in a run, however fast it is.
    """
    n_left, before = rng.randrange(3), BETWEEN
    while (n_left or awaits) and whole.poll() is None:
        found = left_of(folder)
        now = moment_of(found)
        n_left -= n_left and now not in (before, BETWEEN)
        before = now if now != BETWEEN else before
        if now in ("ahead", "answer") and awaits in map(kind_of, found):
            break
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
    return "\n".join("".join(f"{cell:>{12}}" for cell in row) for row in rows)
