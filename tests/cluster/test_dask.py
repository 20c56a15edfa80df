"""What a Dask worker answers is what a worker of the pool answers, byte for byte; what cannot work is one sentence."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from flows.clusters.hand_out import REACHED_SECONDS, on_cluster
from leanvlm.errors import InputError
from leanvlm.params.machines import Cluster
from leanvlm.processes.ports import free_port
from tests.checkouts import RECIPES, run, write_params
from tests.cluster.served import name_cluster, stored
from tests.pipeline.test_endings import nothing_is_left


def answered(folder: Path) -> dict[str, bytes]:
    """Answer all cells anew."""
    shutil.rmtree(folder / "artifacts/pool", ignore_errors=True)
    done = run(folder, "-m", "stages.answer", timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return stored(folder)


def test_cells_of_a_worker_of_dask_are_those_of_this_machine(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    assert run(checkout, "-m", "stages.samples").returncode == 0
    alone = answered(checkout)
    name_cluster(checkout, "{runner: dask, workers: 1}")
    assert answered(checkout) == alone
    assert len(alone) == 4, "two recipes, two benchmarks"
    assert nothing_is_left(checkout)


@pytest.mark.parametrize("runner", ["dask", "ray"])
def test_an_address_where_nobody_answers_is_one_sentence_soon(runner: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    before = time.monotonic()
    with pytest.raises(InputError, match=f"no cluster answers at cluster.address '{address}'"):
        on_cluster(Cluster(runner, address), print, device="cpu", name="answers")
    assert time.monotonic() - before < REACHED_SECONDS + 1
