"""Workers of a pool know their number, and on CUDA each takes the next GPU."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leanvlm.engine import pool, worker
from leanvlm.models._checkpoint import Checkpoint


def number() -> int:
    return worker._number


def test_each_worker_has_a_number_of_its_own() -> None:
    with pool.workers(2) as started:
        found: set[int] = set()
        while len(found) < 2:  # which of them answers is not ours to choose
            found |= {started.submit(number).result(timeout=60)}
    assert found == {0, 1}


@pytest.mark.parametrize(("own", "gpu"), [(0, 0), (1, 1), (2, 0)])
def test_workers_take_the_gpus_in_turn(own: int, gpu: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Any] = []
    cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 2, set_device=taken.append)
    monkeypatch.setattr(worker, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(worker, "load_model", lambda **arguments: taken.append(arguments["device"]))
    monkeypatch.setattr(worker, "_held", {})
    monkeypatch.setattr(worker, "_number", own)
    for device in ("cuda", "cpu"):
        worker.loaded(Checkpoint("llava_onevision", Path("nowhere"), "float32", device))
    assert taken == [gpu, "cuda", "cpu"], "its GPU first, and none for a CPU"
