"""What a Dask worker answers is what a worker of the pool answers, byte for byte; what cannot work is one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.checkouts import RECIPES, run, write_params
from tests.cluster.served import free_port, name_cluster, stored
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


def test_an_address_where_nobody_answers_is_one_sentence_soon(checkout: Path) -> None:
    write_params(checkout, RECIPES[:2])
    assert run(checkout, "-m", "stages.samples").returncode == 0
    port = free_port()
    name_cluster(checkout, f'{{runner: dask, address: "tcp://127.0.0.1:{port}"}}')
    done = run(checkout, "-m", "stages.answer")
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(said) == 1
    assert f"no cluster answers at cluster.address 'tcp://127.0.0.1:{port}'" in said[0]
