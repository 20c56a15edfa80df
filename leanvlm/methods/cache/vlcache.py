"""VL-Cache: what the text after the pictures attends to stays, and layers whose attention is spread out keep more.

Source:  Tu et al. 2024, arXiv 2410.23317, sections 4.1 to 4.3: layer budgets by the sparsity of post-vision attention,
         positions by the attention of post-vision queries, a tenth of the budget for recent positions.
Code:    none is public; the rules are those of EffiVLM-Bench @ ab3ee18 (read, not copied) without its errors.
Departs: the paper clips a layer's share to between 1 % of its positions and all, and lets what that adds or takes go;
         here it is shared out anew among the other layers, so that the sum over layers is exact. A budget below 1 % is
         its own minimum. At most 64 rows vote; the paper's speed study takes 50. The window lies inside a layer's
         budget; EffiVLM-Bench adds it on top. Scores are averaged over query heads that share a key head. `uniform` 0.8
         is EffiVLM-Bench's hybrid, 1 its layer_adaptive=False.
Checked: tests/methods/test_vlcache.py, the two-layer example of ten tokens; densities and shares by plain loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from leanvlm.methods._cache import CacheMethod, always_keep, apportion, blend
from leanvlm.methods._method import n_keep, n_share, option
from leanvlm.methods._signals import Signals, Wanted, n_after_vision

NEGLIGIBLE = 0.01  # an attention below this share of its row's highest counts as zero
LEAST = 0.01  # share of its positions that every layer keeps, however sparse; the paper's
WINDOW_SHARE = 0.1  # of a layer's kept positions


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Let the text after the pictures decide."""

    uniform: float = option(0.0, least=0, most=1)  # share of the budget that all layers get alike

    def wants(self, is_visual: Tensor) -> Wanted:
        """Ask for the rows of the text after the pictures."""
        return Wanted(rows=n_after_vision(is_visual))

    def allocate(self, layers: Sequence[Signals]) -> list[int]:
        """Share the budget out by density, which is one minus sparsity."""
        tokens = [layer.n_tokens for layer in layers]
        total = sum(n_keep(n, self.budget) for n in tokens)
        least = [n_keep(n, min(LEAST, self.budget)) for n in tokens]
        shares = blend([self._density(layer) for layer in layers], self.uniform)
        return apportion(shares, total, least=least, most=tokens)

    def _density(self, signals: Signals) -> float:
        """Return the share of post-vision attention that is not negligible, mean over query heads."""
        w = n_after_vision(signals.is_visual)
        rows = signals.rows_by_head(w)  # (B, H, w, T)
        threshold = NEGLIGIBLE * (1 - 1e-5) * rows.amax(-1, keepdim=True)  # so that ties do not hang on rounding
        survivors = (rows >= threshold).sum((-2, -1)).float().mean()
        return float(survivors) / sum(range(signals.n_tokens - w + 1, signals.n_tokens + 1))

    def score(self, signals: Signals, n: int) -> Tensor:
        """Score by the attention of the text after the pictures; the recent positions stay.

        Shapes: -> (B, G, T).
        """
        received = signals.last_rows(n_after_vision(signals.is_visual)).sum(2)
        return always_keep(received, last=max(1, n_share(n, WINDOW_SHARE)))
