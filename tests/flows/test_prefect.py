"""A real Prefect server: the flow is triggered there and its cells are seen in the API."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.checkouts import environment, run, write_params

WATCH = """
import json, os, urllib.request
from flows.server import prefect_server
with prefect_server() as url:
    from flows.answers import answers
    answers()
    body = json.dumps({"limit": 200}).encode()
    request = urllib.request.Request(url + "/task_runs/filter", body, {"Content-Type": "application/json"})
    runs = json.load(urllib.request.urlopen(request))
    print("RUNS " + json.dumps(sorted((r["name"], r["state_type"]) for r in runs)))
"""


def test_cells_are_seen_in_the_api(checkout: Path) -> None:
    write_params(checkout, ("controls/full", "cache/snapkv@10%"))
    assert run(checkout, "stages/samples.py").returncode == 0
    done = run(checkout, "-c", WATCH)
    assert done.returncode == 0, done.stderr[-2000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("RUNS "))
    runs = dict(json.loads(line.removeprefix("RUNS ")))
    assert runs == {
        "sweep embedded | documents": "COMPLETED",
        "sweep embedded | easy_vqa": "COMPLETED",
        "cell embedded | controls/full | documents": "COMPLETED",
        "cell embedded | controls/full | easy_vqa": "COMPLETED",
        "cell embedded | cache/snapkv@10% | documents": "COMPLETED",
        "cell embedded | cache/snapkv@10% | easy_vqa": "COMPLETED",
    }


def test_the_server_dies_with_its_run(checkout: Path) -> None:
    script = "from flows.server import prefect_server as s\nwith s() as url: print(url, flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=checkout,
        env=environment(checkout),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    url = child.stdout.readline().strip()
    with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
        assert answer.status == 200
    child.kill()
    child.communicate()
    assert not any(is_up(url) for _ in range(20))


def test_a_server_that_is_gone_is_one_sentence(checkout: Path) -> None:
    gone = {**environment(checkout), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    done = subprocess.run(
        [sys.executable, "stages/answer.py"], cwd=checkout, env=gone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no Prefect server answers at PREFECT_API_URL" in done.stderr
    assert "Traceback" not in done.stderr


def is_up(url: str) -> bool:
    time.sleep(0.1)  # the server's socket closes a moment after its process is gone
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
    except OSError:
        return False
