"""Ctrl-C and SIGTERM end a run with one sentence, at once, wherever it is.

Files appear whole or not at all, and children die with their parent, so nothing needs to be put back.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = {signal.SIGINT: "interrupted", signal.SIGTERM: "asked to stop"}
RUN = "LEANVLM_RUN"  # in the environment of all processes of a run: the number of the first, which says the sentence


@contextmanager
def ending_well() -> Iterator[None]:
    """End with a sentence and the status 130 or 143 when a signal comes, for the length of a `with`."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only a main thread can listen
        return
    before = {number: signal.signal(number, _end) for number in STOPPED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    if RUN not in os.environ:
        what = STOPPED[signal.Signals(number)]
        os.write(sys.stderr.fileno(), f"\nleanvlm: {what}; what was done is kept: run it again to go on\n".encode())
    os._exit(128 + number)  # and not by an exception: pools would wait for work that nobody wants any more
