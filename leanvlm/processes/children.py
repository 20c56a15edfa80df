"""Children that die with their parent: what makes a kill harmless."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

import psutil

from leanvlm.processes.endings import RUN

PR_SET_PDEATHSIG = 1  # prctl(2)
STOPS = (signal.SIGINT, signal.SIGTERM)


def dying_with_this() -> Callable[[], None]:
    """Return what a process that is started from here runs first: it knows its parent from before it was there."""
    return partial(die_with_parent, os.getpid())


def die_with_parent(parent: int | None = None) -> None:
    """Ask Linux to kill this process when its parent dies; elsewhere a killed run leaves its children behind.

    A parent that died before the question is noticed too, if its number is known: then this process ends at once.
    """
    if parent is None:
        spawned_by = multiprocessing.parent_process()
        parent = os.getppid() if spawned_by is None else spawned_by.pid
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def begin() -> None:
    """Do what a stage or its worker does before it imports anything that takes long: so that it is no orphan.

    A stage is run with `python -m`, which names its module only after its package was imported.
    """
    if multiprocessing.parent_process() is not None or sys.argv[0] == "-m":
        die_with_parent()
        _die_without_run()


def _die_without_run() -> None:
    """End a stage whose DVC died while Python was starting: it asks too late to be told, but its run is not above."""
    run = os.environ.get(RUN)
    if run is not None and run not in [str(one.pid) for one in psutil.Process().parents()]:
        os._exit(128 + signal.SIGKILL)


def follow_parent() -> None:
    """Leave a worker's ending to its parent, which a terminal's signal reaches too, and which says so in a sentence."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_later)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    die_with_parent()


@contextmanager
def deaf_children() -> Iterator[None]:
    """Let processes that start within the `with` hear Ctrl-C and SIGTERM only once they call `follow_parent`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # a child inherits what its parent blocks
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_later(_number: int, _frame: FrameType | None) -> None:
    time.sleep(1)  # a pool whose worker ends before its parent complains
    os._exit(128 + signal.SIGTERM)
