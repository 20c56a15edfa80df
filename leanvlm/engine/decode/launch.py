"""Launch many operations as one on CUDA: some calls run them, the next one captures them, from then on they replay.

What is captured must read and change the same tensors in place each time, and ask the device for no number.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from leanvlm.models._model import LoadedModel

APART = 8  # calls before a capture: they load kernels, and many answers are so short that none would pay


class Replayed:
    """A function without arguments whose result lies in the same tensor each time."""

    def __init__(self, call: Callable[[], Tensor]) -> None:
        self.call, self.n_calls = call, 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> Tensor:
        """Run, capture or replay the function."""
        if self.n_calls < APART:
            self.n_calls += 1
            return self.call()
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):  # others prepare pictures meanwhile
                self.result = self.call()
        self.graph.replay()
        return self.result


def is_capturable(model: LoadedModel) -> bool:
    """Tell whether a step can be captured: on CUDA, but not where several devices share the layers.

    Nor where rows look at pictures outside the prompt, each at its own: what is captured stays as long as it was.
    """
    devices = {parameter.device for parameter in model.model.parameters()}
    return not model.crossing and len(devices) == 1 and devices.pop().type == "cuda"
