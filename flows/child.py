"""The pipeline as a child of a flow run: what it prints is the run's log, and it ends when the run does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import IO
from uuid import UUID

from prefect import get_run_logger

from flows import runs
from flows.subflow import PARENT
from leanvlm.errors import InputError, RunError
from leanvlm.processes.children import dying_with_this

PATIENCE_SECONDS = 10  # after SIGTERM, which ends a run at once unless the machine is very busy
SAID = "leanvlm: "  # before the sentence that a run ends with


def reproduce(arguments: Sequence[str], run: UUID) -> None:
    """Run `python -m leanvlm.pipeline.reproduce` beneath a flow run, and log each line that it prints.

    Raises: InputError with the child's own sentence where input was refused, else RunError where it failed.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "leanvlm.pipeline.reproduce", *arguments],
        env=os.environ | {PARENT: str(run), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=dying_with_this(),
    ) as child:
        try:
            said = _log(child)
        finally:  # a cancelled run comes here by an exception that Prefect makes of SIGTERM
            _end(child)
            runs.end_beneath(run)
    if child.returncode:
        said = said or [f"the run ended with status {child.returncode}"]
        if child.returncode == InputError.exit_status:
            raise InputError(said[0])  # of the stage that refused, if one did; the last points at it
        raise RunError(said[-1])


def _log(child: subprocess.Popen[bytes]) -> list[str]:
    """Log what a child prints until it ends; return the sentences of ours."""
    logger, said = get_run_logger(), list[str]()
    assert child.stdout is not None
    for line in lines(child.stdout):
        logger.info(line)
        if line.startswith(SAID):
            said.append(line.removeprefix(SAID))
    child.wait()
    return said


def lines(output: IO[bytes]) -> Iterator[str]:
    """Yield the lines of an output as a terminal shows them at last: of a progress bar, how it ended."""
    for line in output:
        shown = line.decode(errors="replace").rstrip().rpartition("\r")[2]
        if shown.strip():
            yield shown


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
