"""random_cache: keep cached positions at random.

Source:  a control; EffiVLM-Bench's own `random` (arXiv 2506.00479) is of this kind.
Departs: EffiVLM-Bench keeps a window of the last 10 % of the budget and draws from the global generator; here all
         positions but the last are drawn, per key-value head, from a passed generator.
Checked: tests/methods/test_controls.py: same seed, same positions; heads differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from leanvlm.methods._cache import CacheMethod, always_keep
from leanvlm.methods._method import SeededMethod
from leanvlm.methods._signals import Signals


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod, SeededMethod):
    """Choose at random."""

    def score(self, signals: Signals, n: int) -> Tensor:  # noqa: ARG002
        """Score at random.

        Shapes: -> (B, G, T).
        """
        drawn = torch.rand(signals.keys.shape[:3], generator=signals.generator)
        return always_keep(drawn.to(signals.keys.device), last=1)
