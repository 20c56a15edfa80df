"""The zeros that pruning made: where they are, a bit a weight, and whether they are still there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import nn

from leanvlm.methods.weights._audit import require
from leanvlm.methods.weights._weights import WeightsMethod

Zeros = dict[str, NDArray[np.uint8]]  # per decoder linear layer, eight weights a byte
Linears = Mapping[str, nn.Linear]


def zeros(linears: Linears) -> Zeros:
    """Note which weights are zero."""
    return {name: np.packbits(_is_zero(linear)) for name, linear in linears.items()}


def require_pattern(method: WeightsMethod, linears: Linears) -> None:
    """Stop a run whose setting is 2:4 where more than two of four neighbours of a row are left.

    Raises: RunError naming the layer.
    """
    if method.setting == "2:4":
        for name, linear in linears.items():
            most = int(linear.weight.view(-1, 4).count_nonzero(-1).max())
            require(most <= 2, f"{name} kept {most} of four neighbouring weights where 2:4 was asked")


def require_zeros(linears: Linears, before: Zeros) -> None:
    """Stop a run in which a pruned weight came back.

    Raises: RunError naming the layer.
    """
    for name in linears.keys() & before.keys():
        lost = int(np.bitwise_count(before[name] & ~np.packbits(_is_zero(linears[name]))).sum())
        require(lost == 0, f"{lost} pruned weights of {name} are not zero any more")


def _is_zero(linear: nn.Linear) -> NDArray[np.bool_]:
    is_zero: NDArray[np.bool_] = (linear.weight.detach() == 0).cpu().numpy()
    return is_zero
