"""A turn of a worker: in the run's checkout, by the run's code, on one thread, without what an earlier run left."""

from __future__ import annotations

import os
import socket
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from leanvlm.cluster.code import CODE, Code, OtherWorker, refuse_other_code
from leanvlm.engine import worker
from leanvlm.params import Params
from leanvlm.processes.heap import give_back_freed


@dataclass(frozen=True)
class Run:
    """The run that a worker works for."""

    number: str  # unlike that of any other run
    folder: str  # the checkout, where workers find it
    code: Code


def begin(params: Params) -> Run:
    """Describe the run that this process begins."""
    folder = params.cluster.folder if params.cluster else ""
    return Run(uuid.uuid4().hex, folder or str(Path.cwd()), CODE)


_alone = threading.Lock()  # a process holds one checkpoint, however many threads its worker was started with
_latest = ""  # the number of the run that this process worked for


@contextmanager
def turn(run: Run) -> Iterator[None]:
    """Prepare this process to work for a run.

    Raises: OtherWorker where it has other code, or does not see the run's checkout.
    """
    global _latest
    with _alone:
        refuse_other_code(run.code)
        _enter(run.folder)
        if run.number != _latest:
            forget()
            _latest = run.number
        os.environ["TQDM_DISABLE"] = "1"
        give_back_freed()
        torch.set_num_threads(1)  # of the thread that computes: an answer must not depend on the machine's cores
        yield


def forget() -> None:
    """Let go of the checkpoint, and of what is remembered of files: under the same names, others may lie there now."""
    worker._held.clear()
    for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "leanvlm"]:
        for value in vars(module).values():
            if callable(clear := getattr(value, "cache_clear", None)):
                clear()
    torch.cuda.empty_cache()  # which does nothing where CUDA was not used


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise OtherWorker(f"a worker on {socket.gethostname()} has no folder {folder} ({error.strerror}); share the "
                          "checkout under that path, or name its own in cluster.folder") from None  # fmt: skip
