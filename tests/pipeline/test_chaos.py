"""Kill a whole run five times at different moments: what comes out equals an undisturbed run, row for row."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from tests.checkouts import environment, run

TABLES = ("answers", "cells", "parts", "skips", "grades")
MOMENTS_SECONDS = (4, 12, 25, 40, 60)


def reproduce(folder: Path) -> None:
    done = run(folder, "-m", "leanvlm.pipeline.reproduce", timeout=900)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def kill_after(folder: Path, seconds: float) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "leanvlm.pipeline.reproduce"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(2)  # its children are killed by the kernel, not by us


def contents(folder: Path) -> dict[str, object]:
    """Read everything that reads no timing."""
    samples = {path.name: pq.read_table(path).to_pylist() for path in sorted((folder / "data/samples").iterdir())}
    tables = {name: pq.read_table(folder / f"artifacts/{name}.parquet").to_pylist() for name in TABLES}
    weights = load_file(folder / "artifacts/checkpoints/embedded/weights-wanda-50/model.safetensors")
    metrics = {
        path.stem: pq.read_table(path).to_pylist()
        for path in sorted((folder / "artifacts/metrics").glob("*.parquet"))
        if path.stem not in ("overall_efficiency", "speedup", "is_on_pareto_front")
    }
    return {**samples, **tables, **metrics, "weights": {k: v.tolist() for k, v in weights.items()}}


def timing_keys(folder: Path) -> list[tuple[object, ...]]:
    rows = pq.read_table(folder / "artifacts/timings.parquet").to_pylist()
    return [tuple(v for k, v in row.items() if k not in ("seconds", "full_seconds")) for row in rows]


@pytest.mark.chaos
def test_five_kills_change_nothing(checkout: Path) -> None:
    for seconds in MOMENTS_SECONDS:
        kill_after(checkout, seconds)
    reproduce(checkout)
    disturbed, keys = contents(checkout), timing_keys(checkout)
    for folder in ("artifacts/pool", "artifacts/checkpoints", "artifacts/metrics", ".dvc/cache", ".dvc/tmp"):
        subprocess.run(["rm", "-rf", folder], cwd=checkout, check=True)
    for path in [*(checkout / "artifacts").glob("*.parquet"), checkout / "dvc.lock"]:
        path.unlink()
    reproduce(checkout)
    assert contents(checkout) == disturbed
    assert timing_keys(checkout) == keys


def test_a_cut_lock_is_made_anew(checkout: Path) -> None:
    (checkout / "dvc.lock").write_text("schema: '2.0'\nstages:\n  samples:\n    cmd: [\n")
    done = run(checkout, "-m", "leanvlm.pipeline.reproduce", "samples")
    assert done.returncode == 0, done.stderr
    assert "dvc.lock could not be read, as after a kill; DVC writes a new one" in done.stdout
    again = run(checkout, "-m", "leanvlm.pipeline.reproduce", "samples")
    assert "Stage 'samples' didn't change, skipping" in again.stdout


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
