"""The server of `make serve`, as a run in a terminal finds it: by the lock that the process which serves holds.

So a `make repro` beside it is seen in the UI that is open. A run cannot do without its server, so it ends with it.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leanvlm import files
from leanvlm.errors import RunError
from leanvlm.processes.lock import holder

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+) \(process \d+@(.+)\)")
LOOK_SECONDS = 0.2  # between two looks for a server that is starting


def name(url: str) -> str:
    """Say where this process serves, and who it is: what it writes into its lock."""
    return f"{url} (process {os.getpid()}@{files.HOST})"


def find(lock: Path, answers: Callable[[str], bool], *, patience_seconds: float) -> str | None:
    """Return the API's address once it answers, or None where nobody serves this checkout on this machine.

    Raises: RunError where it does not answer.
    """
    deadline = time.monotonic() + patience_seconds
    while (api := _told(lock)) is not None:
        if answers(api):
            return api
        if time.monotonic() > deadline:
            raise RunError(f"`make serve` holds this checkout, and its server does not answer at {api}; end it with "
                           "Ctrl-C, start it again, and run again")  # fmt: skip
        time.sleep(LOOK_SECONDS)
    return None


def _told(lock: Path) -> str | None:
    """Read where it will answer; a checkout can be shared, and served on another machine."""
    found = ADDRESS.fullmatch(holder(lock) or "")
    return f"{found[1]}/api" if found and found[2] == files.HOST else None


@contextmanager
def ending_with(lock: Path) -> Iterator[None]:
    """End this process in a sentence when the one that serves ends first, for the length of a `with`."""
    is_done = threading.Event()
    threading.Thread(target=_watch, args=(lock, is_done), daemon=True).start()
    try:
        yield
    finally:
        is_done.set()


def _watch(lock: Path, is_done: threading.Event) -> None:
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # the system gives it when the process that serves is gone, however it ended
    if not is_done.is_set():
        end("`make serve`, whose server this run used,", "was ended")


def end(who: str, how: str) -> None:
    """End this process at once: without its server, Prefect would ask again for long, and then raise in a thread."""
    said = f"\nleanvlm: {who} {how}; what was done is kept: run it again to go on\n"
    os.write(sys.stderr.fileno(), said.encode())
    os._exit(1)
