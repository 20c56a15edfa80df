"""A server is looked after: nothing of it outlives whoever started it, and one that does not come up says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.serving import server, supervise

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


def test_a_server_that_does_not_come_up_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(server, "PYTHON", sys.executable)
    with (
        pytest.raises(pytest.fail.Exception, match=r"vLLM did not come up with .*(?s:.*)No module named"),
        server.served(tmp_path, dtype="float32", log=tmp_path / "log"),
    ):
        pass
