"""Run a command or a stage in this process: a new one takes seconds to import torch and transformers.

For tests of what is said and done. Those of processes themselves, of signals and of DVC start them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from leanvlm import hashes
from leanvlm.commands import cli
from leanvlm.engine import worker
from leanvlm.errors import exit_on_error
from leanvlm.pipeline import models, widths
from stages import samples
from tests.checkouts import environment

REMEMBERED = (hashes.file_hash, hashes.folder_hash, models._inferred, widths._without_weights)  # by relative paths


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a checkout as a new process would, which remembers nothing of another's files."""
    for function in REMEMBERED:
        function.cache_clear()
    worker._held.clear()
    with chdir(folder), patch.dict(os.environ, environment(folder), clear=True):
        yield


def call(folder: Path, main: Callable[[], None], *arguments: str) -> CompletedProcess[str]:
    """Call a `main` as its module would as a program, and say how that ended."""
    words, said, told, status = [main.__module__, *arguments], io.StringIO(), io.StringIO(), 0
    with inside(folder), redirect_stdout(said), redirect_stderr(told), patch("sys.argv", words):
        try:
            exit_on_error(main)
        except SystemExit as end:
            status = int(end.code or 0)
    return CompletedProcess(words, status, said.getvalue(), told.getvalue())


def leanvlm(folder: Path, *arguments: str) -> CompletedProcess[str]:
    """Run the command line."""
    return call(folder, cli.main, *arguments)


def draw_samples(folder: Path) -> None:
    """Run the stage that all answering needs."""
    done = call(folder, samples.main)
    assert done.returncode == 0, done.stderr
