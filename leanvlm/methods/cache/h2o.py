"""H2O: keep the prompt positions that gathered most attention ("heavy hitters"), and the most recent ones.

Source:  Zhang et al. 2023, arXiv 2306.14048, section 4: accumulated attention scores, half heavy hitters, half recent.
Code:    github.com/FMInference/H2O @ ac75c2a (read, not copied).
Departs: evicts once, after the prompt; the paper also at each new token. Scores are averaged over the query heads that
         share a key head. Sums over all rows favour early positions, which more rows see; `normalize` divides by the
         number of rows that see a position. `recent_share` 0.1 is EffiVLM-Bench's split, 9 heavy to 1 recent.
Checked: tests/methods/test_h2o.py, the ten-token fixture; column sums against the whole matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from leanvlm.methods._cache import CacheMethod, always_keep
from leanvlm.methods._method import n_share, option
from leanvlm.methods._signals import Signals, Wanted


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Rank by the attention received from the whole prompt."""

    recent_share: float = option(0.5, least=0, most=1)  # share of the kept positions that are the prompt's last
    normalize: bool = False  # whether a position's sum is divided by the number of rows that see it

    def wants(self, is_visual: Tensor) -> Wanted:  # noqa: ARG002
        """Ask for the columns' sums."""
        return Wanted(sums=True)

    def score(self, signals: Signals, n: int) -> Tensor:
        """Score by the columns' sums; the recent positions stay.

        Shapes: -> (B, G, T).
        """
        sums = signals.column_sums()
        if self.normalize:
            sums = sums / torch.arange(signals.n_tokens, 0, -1, device=sums.device)
        return always_keep(sums, last=max(1, n_share(n, self.recent_share)))
