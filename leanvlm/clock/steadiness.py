"""A fixed piece of work beside every pair of measurements: where its seconds spread, the machine was busy."""

from __future__ import annotations

import torch

from leanvlm.clock.stopwatch import Stopwatch

SIDE, TIMES = 256, 8  # some milliseconds on a core


class Reference:
    """The same product of matrices, again and again, on the device that is timed."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.left, self.right = torch.ones(2, SIDE, SIDE, device=device).unbind()
        self.seconds()  # warms up

    def seconds(self) -> float:
        """Do it once more."""
        watch = Stopwatch(self.device)
        with watch.phase("work"):
            for _ in range(TIMES):
                self.left @ self.right
        return watch.seconds()["work"]
