"""What takes minutes of a user's day with the Prefect UI (`make test-ui`): whole runs, a night's schedule, kills."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import checkouts
from tests.flows.served import Served, left_in, line_of, serve, until
from tests.pipeline.test_endings import started

pytestmark = pytest.mark.ui
RECIPES = ("controls/full", "cache/snapkv@10%")
VICTIMS = ("spawn_main", "stages.answer", "dvc repro", "flows.engine", "flows.worker")  # words of command lines
MOST_SECONDS = 180  # until a run whose process was killed has completed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, random_checkpoint: Path) -> Path:
    made = tmp_path_factory.mktemp("served") / "checkout"
    checkouts.make(made, random_checkpoint)
    checkouts.write_params(made, RECIPES)
    return made


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    started = serve(folder)
    yield started
    if started.process.poll() is None:
        started.end()
    until(lambda: not left_in(folder), seconds=5)


def runs_of(served: Served, deployment: str) -> list[dict[str, Any]]:
    chosen = {"deployments": {"id": {"any_": [served.deployment(deployment)["id"]]}}, "sort": "START_TIME_DESC"}
    found: list[dict[str, Any]] = served.ask("/flow_runs/filter", chosen)[1]
    return found


def running(served: Served, name: str, whole: subprocess.Popen[str] | None = None) -> psutil.Process:
    """Wait for a process whose command line has a name in it, of the server's or of a run in a terminal."""
    everyone = psutil.Process((whole or served.process).pid)
    return until(lambda: next((one for one in everyone.children(recursive=True) if name in line_of(one)), None))


def test_a_whole_run_shows_its_results_and_its_report(served: Served) -> None:
    run = served.start("reproduce", {})[1]["id"]
    assert served.ended(run)["state_type"] == "COMPLETED", served.logs(run)
    artifacts = served.artifacts(run)
    assert artifacts["cells"]["data"] == 100.0
    for recipe in RECIPES:
        assert recipe in artifacts["results"]["data"]
    assert f"http://127.0.0.1:{served.port}/report/" in artifacts["report"]["data"]
    written = (served.folder / "artifacts/report/index.html").read_text(encoding="utf-8")
    assert served.fetch("/report/") == (200, written)


def test_a_second_run_waits_for_the_first(served: Served) -> None:
    runs = [served.start("reproduce", {"stages": ["answer"]})[1]["id"], served.start("sweep", {"n": 2})[1]["id"]]
    ended = [served.ended(run) for run in runs]
    assert [run["state_type"] for run in ended] == ["COMPLETED"] * 2, [served.logs(run) for run in runs]
    assert ended[1]["start_time"] >= ended[0]["end_time"]


def test_a_schedule_outlives_a_restart_and_fires(served: Served) -> None:
    deployment = served.deployment("reproduce")["id"]
    schedule = {"active": True, "schedule": {"interval": 60}, "parameters": {"chosen": {"stages": ["samples"]}}}
    assert served.ask(f"/deployments/{deployment}/schedules", [schedule])[0] == 201
    status, said = served.end(signal.SIGTERM)
    assert (status, said.count("leanvlm: asked to stop")) == (143, 1)
    again = serve(served.folder)
    try:
        before = {run["id"] for run in runs_of(again, "reproduce") if run["start_time"]}
        [kept] = again.deployment("reproduce")["schedules"]
        assert kept["schedule"]["interval"] == 60
        fired = until(lambda: next((run for run in runs_of(again, "reproduce") if run["auto_scheduled"]
                                    and run["start_time"] and run["id"] not in before), None))  # fmt: skip
        assert again.ended(fired["id"])["state_type"] == "COMPLETED"
        assert again.ask(f"/deployments/{deployment}/schedules/{kept['id']}", method="DELETE")[0] == 204
    finally:
        again.end()


@pytest.mark.parametrize("victim", VICTIMS)
def test_what_is_killed_goes_on(served: Served, victim: str) -> None:
    """A run completes whichever of its processes is killed, once; the killed one's subflow is not said to run on."""
    setting = f"{10 + VICTIMS.index(victim)}%"  # a grid that no other victim's run has answered
    run = served.start("sweep", {"methods": [{"method": "cache/h2o", "setting": setting}], "n": 60})[1]["id"]
    running(served, "spawn_main")
    running(served, victim).kill()
    until(lambda: served.run(run)["state_type"] == "COMPLETED", seconds=MOST_SECONDS)  # it may be said to have crashed
    states = [one["state_type"] for one in served.beneath(run)]
    assert sorted(states)[0] == "COMPLETED"
    assert set(states) <= {"COMPLETED", "CRASHED", "FAILED"}


def test_a_run_of_a_terminal_is_seen_in_the_ui_that_is_open(served: Served) -> None:
    """It has no server of its own, and one that is killed is not said to run on."""
    checkouts.write_params(served.folder, RECIPES, n=61)
    whole = started(served.folder, "-m", "leanvlm.pipeline.reproduce", "answer")
    running(served, "stages.answer", whole)
    found = until(lambda: of_a_terminal(served))
    assert (found[0]["name"], found[0]["state_type"]) == ("answers", "RUNNING")
    assert not [one for one in psutil.Process(whole.pid).children(recursive=True) if "uvicorn" in line_of(one)]
    whole.kill()
    said = whole.communicate()[0]
    assert f"this run is seen in the UI of `make serve`, http://127.0.0.1:{served.port}\n" in said
    until(lambda: served.run(found[0]["id"])["state_type"] == "CRASHED", seconds=30)
    done = checkouts.run(served.folder, "-m", "leanvlm.pipeline.reproduce", "answer")
    assert done.returncode == 0, done.stderr
    assert sorted(run["state_type"] for run in of_a_terminal(served)) == ["COMPLETED", "CRASHED"]


def of_a_terminal(served: Served) -> list[dict[str, Any]]:
    """List the runs of `answers` that no worker runs."""
    found = served.ask("/flow_runs/filter", {"flows": {"name": {"any_": ["answers"]}}})[1]
    return [run for run in found if any(tag.startswith("process:") for tag in run["tags"])]


def test_runs_of_a_killed_server_are_marked(served: Served) -> None:
    run = served.start("sweep", {"n": 100})[1]["id"]
    running(served, "stages.answer")
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.communicate()
    until(lambda: not left_in(served.folder), seconds=5)
    again = serve(served.folder)
    try:
        assert again.run(run)["state_type"] == "CRASHED"
        assert all(one["state_type"] == "CRASHED" for one in again.beneath(run))
    finally:
        again.end()
