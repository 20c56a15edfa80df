"""A server is looked after: nothing of it outlives whoever started it, and one that does not come up says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from leanvlm.benches.serving import server, supervise
from leanvlm.errors import InputError, RunError

SECONDS = 60  # that a loaded machine may take
SERVER = """
import os, subprocess
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid, flush=True)
child.wait()
"""
HOLDS = """
import subprocess, sys
command = [sys.executable, sys.argv[1], sys.executable, "-c", sys.argv[2]]
subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True).wait()
"""


def test_a_killed_parent_leaves_no_process() -> None:
    command = [sys.executable, "-c", HOLDS, supervise.__file__, SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        started = [psutil.Process(int(number)) for number in parent.stdout.readline().split()]
        assert [one.is_running() for one in started] == [True, True]
        parent.kill()
    assert psutil.wait_procs(started, timeout=SECONDS)[1] == []


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"vLLM did not come up; (?s:.*)No module named"),
        server.served(tmp_path, python=sys.executable, log=tmp_path / "log"),
    ):
        pass


def test_without_vllm_the_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="`make bench-serving` installs vLLM there"),
        server.served(tmp_path, python=tmp_path / "python", log=tmp_path / "log"),
    ):
        pass
