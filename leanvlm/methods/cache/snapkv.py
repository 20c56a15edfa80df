"""SnapKV: keep the prompt positions that the last queries attend to.

Source:  Li et al. 2024, arXiv 2404.14469, section 4: a window of queries at the prompt's end votes, votes are pooled.
Code:    github.com/FasterDecoding/SnapKV @ e216ddc, snapkv_utils.py (read, not copied).
Departs: votes are averaged over the query heads that share a key head; the paper has no such groups. The window is
         at most half of what is kept: a longer one leaves no room for votes, and every method becomes "recent only".
         `window_share` is EffiVLM-Bench's variant: the window is that share of the kept positions (there 0.1).
Checked: tests/methods/test_snapkv.py, the ten-token fixture, pooled and not.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from leanvlm.methods._cache import CacheMethod, window_votes
from leanvlm.methods._method import n_keep, option
from leanvlm.methods._signals import Signals, Wanted


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Let the window vote."""

    window: int = option(32, least=1)  # queries that vote and stay, counted from the prompt's end [tokens]
    window_share: float = option(
        0.0, least=0, most=1
    )  # if above 0, the window as a share of the kept positions, instead of `window`
    kernel: int = option(5, least=1)  # width of the smoothing of votes [tokens]

    def wants(self, is_visual: Tensor) -> Wanted:
        """Ask for the voters' rows."""
        return Wanted(rows=self.voters(n_keep(len(is_visual), self.budget)))

    def voters(self, n: int) -> int:
        """Count the queries that vote where `n` positions are kept."""
        return max(1, int(n * self.window_share + 1e-9) if self.window_share else min(self.window, n // 2))

    def score(self, signals: Signals, n: int) -> Tensor:
        """Score by the smoothed votes of the window; the window stays.

        Shapes: -> (B, G, T).
        """
        return window_votes(signals, self.voters(n), self.kernel)
