"""Ctrl-C and SIGTERM: one sentence, 130 or 143, no traceback, and nothing that lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from leanvlm.errors import exit_on_error
from leanvlm.pipeline import reproduce
from leanvlm.processes.endings import RUN
from tests.checkouts import RECIPES, environment, write_params
from tests.in_process import draw_samples

PATIENCE_SECONDS = 5


def started(folder: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def left_of(folder: Path) -> list[psutil.Process]:
    """List the processes that work in a checkout."""
    return [one for one in psutil.process_iter() if _works_in(one, folder)]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def nothing_is_left(folder: Path) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left_of(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def sampled(checkout: Path) -> Iterator[Path]:
    write_params(checkout, RECIPES[:6], n=40)
    draw_samples(checkout)
    yield checkout
    for process in left_of(checkout):
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [2.0, 12.0])
def test_a_stage_ends_with_one_sentence_and_leaves_nobody(sampled: Path, number: int, seconds: float) -> None:
    """The signal goes to all processes, as a terminal sends it; early, and in the midst of answers."""
    stage = started(sampled, "-m", "stages.answer")
    time.sleep(seconds)
    assert stage.poll() is None
    os.killpg(stage.pid, number)
    _, said = stage.communicate(timeout=PATIENCE_SECONDS)
    assert stage.returncode == 128 + number, said
    assert said.count("leanvlm: ") == 1
    assert "what was done is kept" in said
    assert "Traceback" not in said
    assert nothing_is_left(sampled)


@pytest.mark.parametrize("victim", ["run", "dvc", "stage", "server", "worker"])
def test_killing_any_process_leaves_no_orphan(sampled: Path, victim: str) -> None:
    whole = started(sampled, "-m", "leanvlm.pipeline.reproduce", "answer")
    found = _wait_for(sampled, victim, whole.pid)
    found.kill()
    _, said = whole.communicate(timeout=60)
    assert whole.returncode != 0
    assert "Traceback" not in said
    assert nothing_is_left(sampled)


NAMES = {"dvc": "dvc repro", "stage": "stages.answer", "server": "uvicorn", "worker": "spawn_main"}


def line_of(process: psutil.Process) -> str:
    """Read a command line; one that has just ended has none."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _wait_for(folder: Path, victim: str, pid: int) -> psutil.Process:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for one in left_of(folder):
            if NAMES["worker" if victim == "run" else victim] in line_of(one):
                return psutil.Process(pid) if victim == "run" else one
        time.sleep(0.1)
    raise AssertionError(f"{victim} did not start")


SLOW_CHILD = """
import os, subprocess, sys, time
from leanvlm.processes.children import dying_with_this
die = dying_with_this()
def first():
    open("here", "w").close()
    time.sleep(1)  # between being there and asking to die with the parent, which is killed meanwhile
    die()
subprocess.run([sys.executable, "-c", "open('ran', 'w')"], preexec_fn=first)
"""


def test_a_parent_that_dies_before_its_child_asked_is_noticed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", SLOW_CHILD], cwd=tmp_path)
    deadline = time.monotonic() + 20
    while not (tmp_path / "here").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    assert nothing_is_left(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_stage_whose_run_died_while_python_started_ends_at_once(checkout: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-m", "stages.samples"]
    ended = subprocess.run(command, cwd=checkout, env=environment(checkout) | {RUN: str(gone.pid)}, check=False)
    assert ended.returncode == 128 + signal.SIGKILL
    going = subprocess.run(command, cwd=checkout, env=environment(checkout) | {RUN: str(os.getpid())}, check=False)
    assert going.returncode == 0


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    exit_on_error(lambda: None)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


LEAKS = "import multiprocessing, os; lock = multiprocessing.get_context('spawn').Lock(); os._exit(0)"


def test_pythons_tracker_says_nothing_of_a_run_that_was_ended(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says stood behind the run's own sentence; that it would say so is tried, too."""
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PYTHONWARNINGS", "error::BytesWarning")
    with reproduce.ready() as given:
        told, plain = (
            subprocess.run([sys.executable, "-c", LEAKS], env=one, capture_output=True, text=True, check=True)
            for one in (given, given | {"PYTHONWARNINGS": ""})
        )
    assert told.stderr == ""
    assert "leaked semaphore" in plain.stderr
    assert given["PYTHONWARNINGS"].startswith("error::BytesWarning,")
