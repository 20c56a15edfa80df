"""PyramidKV: SnapKV's votes, with more positions for low layers and fewer for high ones.

Source:  Cai et al. 2024, arXiv 2406.02069, section 4: budgets fall linearly from the lowest layer to the highest.
Code:    github.com/Zefan-Cai/KVCache-Factory @ c97f9d7 (read, not copied): the top layer's part is 1 / 20 of the mean.
Departs: the code steps down in whole numbers, which keeps up to 1.9 times the budget where budgets are small; here the
         line is rounded by largest remainder, so that the sum over layers is exact. Where the line would leave what
         a layer received, it gets flatter; the code does the same and gives up above half. The window is SnapKV's.
         `uniform` 0.8 is EffiVLM-Bench's hybrid: that share of the budget is split evenly.
Checked: tests/methods/test_pyramidkv.py, the ten-token fixture over four layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leanvlm.methods._cache import VotingMethod, apportion, blend
from leanvlm.methods._method import n_keep, option
from leanvlm.methods._signals import Signals


@dataclass(frozen=True, kw_only=True)
class Method(VotingMethod):
    """Let the window vote and the layers share unevenly."""

    beta: float = option(20.0, least=1)  # the highest layer's share of a mean layer's is 1 / beta
    uniform: float = option(0.0, least=0, most=1)  # share of the budget that all layers get alike

    def allocate(self, layers: Sequence[Signals]) -> list[int]:
        """Lower the number of voted positions linearly; the window comes on top in every layer."""
        tokens = [layer.n_tokens for layer in layers]
        total = sum(n_keep(n, self.budget) for n in tokens)
        mean, window = total / len(layers), self.voters(n_keep(min(tokens), self.budget))
        voted = mean - window
        low = max(voted / self.beta, 2 * voted - (min(tokens) - window))
        steps = max(1, len(layers) - 1)
        line = [window + 2 * voted - low - layer * 2 * (voted - low) / steps for layer in range(len(layers))]
        return apportion(blend(line, self.uniform), total, least=[1] * len(tokens), most=tokens)
