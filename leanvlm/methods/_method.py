"""What every method shares. A family's own plumbing lies in _image.py, _tokens.py, _cache.py and _weights.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Method:
    """One acceleration. Its fields are its strength (`budget` or `setting`) and its options with their defaults."""

    acts_on: ClassVar[str] = "none"  # none, weights, image, tokens or cache


def n_keep(n: int, budget: float) -> int:
    """Count what a budget keeps of `n`: rounded down, at least one.

    The small addition undoes binary floats: 100 x 0.29 is 28.999999999999996.
    """
    return min(n, max(1, int(n * budget + 1e-9)))


def top(scores: Tensor, n: int) -> Tensor:
    """Return the places of the `n` highest scores along the last axis, ascending; ties go to the earlier place.

    Shapes: (..., T) -> (..., n).
    """
    order = torch.sort(scores, dim=-1, descending=True, stable=True).indices  # (..., T)
    return order[..., :n].sort(dim=-1).values
