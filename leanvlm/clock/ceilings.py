"""What a device can do at most: how many operations of a large product, and how many bytes of a large copy, a second.

Both are what PyTorch reaches, in the dtype and with the threads of the run, not what a data sheet promises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from leanvlm.clock.stopwatch import Stopwatch

ROUNDS = 7  # the best of them counts: whatever else the machine does can only slow one down
SIDE = {"cpu": 1024, "cuda": 8192}  # of the matrices
COPIED = {"cpu": 2**27, "cuda": 2**31}  # bytes, far more than a chip holds


@dataclass(frozen=True)
class Ceilings:
    """Operations and bytes a second."""

    operations: float
    moved_bytes: float


def measure(device: torch.device, dtype: torch.dtype) -> Ceilings:
    """Measure both; a copy reads and writes each byte."""
    side, n = SIDE[device.type], COPIED[device.type]
    left, right = torch.randn(2, side, side).to(device, dtype).unbind()
    product = torch.empty_like(left)
    source = torch.ones(n, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return Ceilings(
        operations=2 * side**3 / fastest(device, lambda: torch.matmul(left, right, out=product)),
        moved_bytes=2 * n / fastest(device, lambda: target.copy_(source)),
    )


def fastest(device: torch.device, work: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some rounds; the first warms up."""
    found = []
    for _ in range(ROUNDS + 1):
        watch = Stopwatch(device)
        with watch.phase("work"):
            work()
        found.append(watch.seconds()["work"])
    return min(found[1:])
