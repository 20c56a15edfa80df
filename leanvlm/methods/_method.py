"""What every method shares. A family's own plumbing lies in _image.py, _tokens.py, _cache.py and _weights.py."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, ClassVar

import torch
from torch import Tensor

from leanvlm.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Method:
    """One acceleration. Its fields are its strength (`budget` or `setting`) and its options with their defaults."""

    acts_on: ClassVar[str] = "none"  # none, weights, image, tokens or cache
    is_rebatched: ClassVar[bool] = False  # read beside a copy and decoded alone

    def __post_init__(self) -> None:
        """Refuse an option outside its range."""
        for own in fields(self):
            least, most = own.metadata.get("range", (-inf, inf))
            value = getattr(self, own.name)
            if own.metadata and not least <= value <= most:  # also refuses "nan"
                name = "/".join(type(self).__module__.split(".")[-2:])
                allowed = f"{least:g} or more" if most == inf else f"from {least:g} to {most:g}"
                raise InputError(f"{name} has {own.name}={value:g}; it must be {allowed}")


def option(default: float, *, least: float, most: float = inf) -> Any:
    """Declare an option with the range that it may lie in, bounds included."""
    return field(default=default, metadata={"range": (least, most)})


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
