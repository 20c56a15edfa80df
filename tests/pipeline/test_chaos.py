"""Kill processes of a run at different moments: what comes out equals an undisturbed run, row for row."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from leanvlm.metrics import tally
from leanvlm.pipeline import dvc_lock
from tests.checkouts import run
from tests.pipeline.chaos import (
    Killed,
    Start,
    kind_of,
    moment_of,
    n_kills,
    of_kind,
    seed,
    starts,
    table,
    wait_for_a_moment,
)
from tests.pipeline.test_endings import PATIENCE_SECONDS, left_of, nothing_is_left
from tests.storage.server import credentials

TABLES = ("answers", "cells", "parts", "skips", "grades")
MOST_MISSED = 5  # runs in a row that are done before the moment comes
LONGEST_SECONDS = 3600  # of a run that nobody disturbs
MADE = ("artifacts/pool", "artifacts/checkpoints", "artifacts/metrics", ".dvc/cache", ".dvc/tmp")


def reproduce(folder: Path) -> None:
    done = run(folder, "-m", "leanvlm.pipeline.reproduce", timeout=LONGEST_SECONDS)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def forget(folder: Path) -> None:
    """Delete all that a run made."""
    for name in MADE:
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in [*(folder / "artifacts").glob("*.parquet"), folder / "dvc.lock"]:
        path.unlink(missing_ok=True)


def kill_one(folder: Path, start: Start, rng: random.Random, killed: Killed) -> tuple[str, str] | None:
    """Start a run and kill a process of the kind that was killed least, of those first that only such a run has.

    Returns: its kind and the moment, or nothing where all was done.
    """
    begun = start.begin(folder)
    whole = begun.whole
    wait_for_a_moment(folder, whole, rng, start.awaits)
    found = left_of(folder)
    processes = {kind_of(one): one for one in rng.sample(found, len(found))}  # one of each kind
    is_done, moment = whole.poll() is not None, moment_of(found)
    victim = min(processes, key=lambda kind: (of_kind(killed)[kind], kind not in start.own), default="gone")
    with suppress(psutil.Error, KeyError):
        processes[victim].kill()
    said = begun.said(within=PATIENCE_SECONDS)
    if victim != "tracker":  # Python's own, whose successor does not know what it was to watch, and says so at length
        assert "Traceback" not in said, (victim, moment, said[-3000:])
    assert nothing_is_left(folder), (victim, moment, [one.cmdline() for one in left_of(folder)])
    return None if is_done or victim == "gone" else (victim, moment)


def contents(folder: Path) -> dict[str, object]:
    """Read everything that reads no timing, as far as it is there."""
    found = [*(folder / "data/samples").glob("*.parquet"), *(folder / "artifacts/metrics").glob("*.parquet")]
    found += [path for name in TABLES if (path := folder / f"artifacts/{name}.parquet").is_file()]
    untimed = [path for path in sorted(found) if path.parent.name != "metrics" or not is_timed(path.stem)]
    rows: dict[str, object] = {path.name: pq.read_table(path).to_pylist() for path in untimed}
    weights = folder / "artifacts/checkpoints/embedded/weights-wanda-50/model.safetensors"
    return rows | ({"weights": {k: v.tolist() for k, v in load_file(weights).items()}} if weights.is_file() else {})


def is_timed(metric: str) -> bool:
    return "timings" in tally.sources(metric)


def timing_keys(folder: Path) -> list[tuple[object, ...]]:
    rows = pq.read_table(folder / "artifacts/timings.parquet").to_pylist()
    return [tuple(v for k, v in row.items() if k not in ("seconds", "full_seconds")) for row in rows]


@pytest.fixture
def _credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in credentials(tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.mark.chaos
@pytest.mark.usefixtures("_credentials")
def test_kills_change_nothing(checkout: Path) -> None:
    """Any process, at any moment: no orphan after 5 seconds, no traceback, and the tables of a run that nobody hurt."""
    reproduce(checkout)
    undisturbed, keys = contents(checkout), timing_keys(checkout)
    assert {"weights", *(f"{name}.parquet" for name in TABLES)} <= undisturbed.keys()
    forget(checkout)
    rng, killed, missed = random.Random(seed()), Killed(), 0
    while killed.total() < n_kills():
        victim = kill_one(checkout, starts()[killed.total() % len(starts())], rng, killed)
        found = contents(checkout)
        assert found == {name: undisturbed[name] for name in found}, victim
        missed = missed + 1 if victim is None else 0
        assert missed < MOST_MISSED, f"{missed} runs in a row ended before anything was killed"
        if victim is None:
            forget(checkout)  # so that there is something to do again
        else:
            killed[victim] += 1
            print(killed.total(), *victim, flush=True)
    print(f"\n{table(killed)}", flush=True)
    reproduce(checkout)
    assert contents(checkout) == undisturbed
    assert timing_keys(checkout) == keys


def test_a_cut_lock_is_made_anew(checkout: Path) -> None:
    (checkout / "dvc.lock").write_text("schema: '2.0'\nstages:\n  samples:\n    cmd: [\n")
    done = run(checkout, "-m", "leanvlm.pipeline.reproduce", "samples")
    assert done.returncode == 0, done.stderr
    assert "dvc.lock could not be read, as after a kill; DVC writes a new one" in done.stdout
    again = run(checkout, "-m", "leanvlm.pipeline.reproduce", "samples")
    assert "Stage 'samples' didn't change, skipping" in again.stdout


REUSED = b'{"write": {"%s/data/samples": {"pid": 1, "cmd": "dvc repro"}}}'  # a killed one's number is another's by now


@pytest.mark.parametrize("content", [b"\xff", b'{"artifacts/answers.parq', REUSED])
def test_a_list_of_killed_commands_stops_nobody(content: bytes, checkout: Path) -> None:
    """A hundred kills found both: one came while DVC wrote this file, and a killed one's number was another's."""
    path = checkout / dvc_lock.RUNNING
    path.parent.mkdir(parents=True)
    path.write_bytes(content.replace(b"%s", bytes(checkout)))
    done = run(checkout, "-m", "leanvlm.pipeline.reproduce", "samples")
    assert done.returncode == 0, done.stderr


def test_a_second_run_is_refused_by_name(checkout: Path) -> None:
    from leanvlm.processes.lock import only_run

    with only_run(checkout / ".dvc/tmp/leanvlm.run"):
        done = run(checkout, "-m", "leanvlm.pipeline.reproduce", "samples")
    assert done.returncode == 1
    assert "is already running in this checkout" in done.stderr


def test_wrong_params_stop_before_any_stage(checkout: Path) -> None:
    params = checkout / "params.yaml"
    params.write_text(params.read_text().replace("cache/snapkv@10%", "cache/snapkv@150%"))
    done = run(checkout, "-m", "leanvlm.pipeline.reproduce")
    assert done.returncode == 2
    assert "cannot keep '150%'" in done.stderr
    assert "Traceback" not in done.stderr
