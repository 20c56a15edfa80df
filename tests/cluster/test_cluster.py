"""Answers and checkpoints of Dask, of Ray and of one process are equal byte for byte, twenty kills or none.

`make test-cluster`; it takes a quarter of an hour.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from flows.clusters.hand_out import on_cluster
from leanvlm.errors import InputError
from leanvlm.params.machines import Cluster
from tests.checkouts import RECIPES, run, write_params
from tests.cluster.served import checkpoints, dask, gone, name_cluster, ray, stored, workers_of
from tests.pipeline.test_endings import PATIENCE_SECONDS, left_of, nothing_is_left, started

pytestmark = pytest.mark.cluster

N_KILLS = 20
LATEST_SECONDS = 20.0  # after a start, by when workers answer
MADE = ("artifacts/pool", "artifacts/checkpoints", "artifacts/costs", ".dvc/cache", ".dvc/tmp", "dvc.lock")
RAY = "{runner: ray, workers: 2}"


@pytest.fixture
def sampled(checkout: Path) -> Path:
    """A checkout with samples, and checkpoints of two weights recipes to make."""
    write_params(checkout, (*RECIPES, "weights/magnitude@50%"), n=40)
    return checkout


def reproduced(folder: Path, *targets: str) -> str:
    done = run(folder, "-m", "leanvlm.pipeline.reproduce", *targets, timeout=1800)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def forget(folder: Path) -> None:
    for path in [folder / name for name in MADE]:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def made(folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Make everything up to the answers; return the bytes of the checkpoints and of the cells."""
    forget(folder)
    reproduced(folder, "answer")
    return checkpoints(folder), stored(folder)


def tables(folder: Path) -> dict[str, list[dict[str, object]]]:
    """Read the tables that follow from answers."""
    names = ("answers", "cells", "parts", "skips", "grades")
    return {name: pq.read_table(folder / f"artifacts/{name}.parquet").to_pylist() for name in names}


def test_dask_and_ray_make_what_one_process_makes(sampled: Path) -> None:
    assert find_spec("ray") is not None, "`make test-cluster` installs it"
    before = {one.pid for one in psutil.process_iter()}
    alone = made(sampled)
    assert len(alone[0]) > 10
    assert len(alone[1]) == 16, "eight recipes, two benchmarks"
    with dask(sampled) as (cluster, _):
        name_cluster(sampled, cluster)
        assert made(sampled) == alone
        assert "weights-magnitude-50 is made" not in reproduced(sampled, "answer"), "nothing is made twice"
    name_cluster(sampled, RAY)
    assert made(sampled) == alone
    assert nothing_is_left(sampled)
    with ray(sampled) as address:
        name_cluster(sampled, f'{{runner: ray, address: "{address}"}}')
        assert made(sampled) == alone
        forget(sampled)
        assert "weights-magnitude-50 is made" in reproduced(sampled, "answer"), "the head is there for another run"
    assert nothing_is_left(sampled)
    assert not [one for one in psutil.process_iter() if one.pid not in before and "ray" in one.name()]


def test_what_is_no_ray_head_or_another_version_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match=f"^no Ray head answers at cluster.address '{address}', though something"):
            on_cluster(Cluster("ray", address), print, device="cpu", name="answers")
    with ray(tmp_path / "checkout") as address:
        monkeypatch.setattr("ray.__version__", "1.0")
        with pytest.raises(
            InputError, match=rf"^this machine cannot join .*'{address}'.*`ray start --address {address}"
        ):
            on_cluster(Cluster("ray", address), print, device="cpu", name="answers")


def test_twenty_kills_of_workers_lose_nothing_and_double_nothing(sampled: Path) -> None:
    reproduced(sampled, "grade")
    undisturbed = tables(sampled)
    rng, n_kills = random.Random(0), 0
    with dask(sampled) as (cluster, process):
        name_cluster(sampled, cluster)
        while n_kills < N_KILLS:
            forget(sampled)
            whole = started(sampled, "-m", "leanvlm.pipeline.reproduce", "grade")
            while whole.poll() is None and n_kills < N_KILLS:
                time.sleep(rng.uniform(1, LATEST_SECONDS))
                if whole.poll() is None and (found := workers_of(process)):
                    with suppress(psutil.Error):
                        rng.choice(found).kill()
                        n_kills += 1
                        print(n_kills, flush=True)
            said = "".join(whole.communicate(timeout=1800))
            if whole.returncode:  # the scheduler gives up a task whose workers were killed four times
                assert "finished batches are kept" in said
                reproduced(sampled, "grade")
            assert "Traceback" not in said, said[-3000:]
            assert tables(sampled) == undisturbed
            assert not list((sampled / "artifacts/pool").rglob("*.batches"))
            assert not list((sampled / "artifacts").rglob(".*.part"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_cluster_ends_with_one_sentence_and_leaves_nobody(checkout: Path, number: int) -> None:
    with dask(checkout) as (_, process):
        found = psutil.Process(process.pid).children(recursive=True)
        assert len(found) >= 2
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        if number != signal.SIGKILL:
            assert process.returncode == 128 + number
            assert [line for line in said.splitlines() if "leanvlm: " in line] != []
            assert len([line for line in said.splitlines() if line.strip()]) == 1, said
        assert gone(found)


def test_a_run_that_is_stopped_leaves_the_cluster_and_nobody_else(sampled: Path) -> None:
    reproduced(sampled, "compress")
    with dask(sampled) as (cluster, process):
        name_cluster(sampled, cluster)
        own = {one.pid for one in left_of(sampled)}
        whole = started(sampled, "-m", "leanvlm.pipeline.reproduce", "answer")
        deadline = time.monotonic() + 300
        while not list((sampled / "artifacts/pool").rglob("*.batches/*.parquet")) and time.monotonic() < deadline:
            time.sleep(0.1)
        whole.send_signal(signal.SIGINT)
        _, said = whole.communicate(timeout=60)
        assert said.count("leanvlm: interrupted; what was done is kept") == 1
        assert "Traceback" not in said
        time.sleep(PATIENCE_SECONDS)
        assert {one.pid for one in left_of(sampled)} <= own
        assert process.poll() is None
        assert "cells: 16 in the grid" in reproduced(sampled, "answer")


def test_a_worker_of_other_code_is_refused_in_one_sentence(sampled: Path) -> None:
    reproduced(sampled, "compress")
    with dask(sampled) as (cluster, _):
        name_cluster(sampled, cluster)
        edited = sampled / "leanvlm/engine/decode/decode.py"
        edited.write_text(edited.read_text() + "\n# another\n")
        done = run(sampled, "-m", "stages.answer")
        assert done.returncode == 2
        assert "has leanvlm" in done.stderr
        assert "start them again in this run's checkout" in done.stderr
        assert "Traceback" not in done.stderr
    assert stored(sampled) == {}
