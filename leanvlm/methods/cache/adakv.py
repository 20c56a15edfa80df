"""Ada-KV: heads whose attention is spread out keep more positions than those that look at few, by any method's scores.

Source:  Feng et al. 2024, arXiv 2407.11550: the best scores of all heads of a layer, ranked together, say how many
         positions each head keeps; a part of the budget is shared out evenly as a safeguard.
Code:    github.com/FFY0/AdaKV @ efe4e2e, adaptive_snapkv/monkeypatch/snapkv_utils.py (read, not copied).
Departs: `uniform` is the paper's alpha, 0.2 what the code takes for models with grouped heads. Counts are rounded by
         largest remainder, so that the sum over heads is exact; the code rounds the even part down and then each count,
         which leaves up to one and a half positions a head unused, or takes half a one too many. Scores are those of
         `scorer` with its defaults; SnapKV's are averaged and pooled otherwise in the code. What the scorer keeps in
         any case, its window, every head keeps. PyramidKV and VL-Cache also share the budget out over layers. The heads
         of a layer lie in one tensor, padded to the longest: bytes are those of what is kept, and decoding gets no
         faster for a head that keeps less.
Checked: tests/methods/test_adakv.py, two heads of six scores worked by hand; `uniform` 1 is the scorer, bit for bit.
         Beside the code @ 1baceda, on random keys and queries: scores pooled alike within 1e-8; the same positions in
         all 493 draws where `uniform` is 0 or 1, and between these all counts within one of its.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from leanvlm.methods._cache import CacheMethod, largest_remainder
from leanvlm.methods._method import option, top
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods.cache import h2o, pyramidkv, snapkv, vlcache

SCORERS: dict[str, type[CacheMethod]] = {
    "snapkv": snapkv.Method,
    "pyramidkv": pyramidkv.Method,
    "h2o": h2o.Method,
    "vlcache": vlcache.Method,
}


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Let another method score, and heads share unevenly."""

    scorer: str = option("snapkv", choices=tuple(SCORERS))  # the cache method whose scores and layer counts are taken
    uniform: float = option(0.2, least=0, most=1)  # share of the scored positions that all heads get alike

    @property
    def _scorer(self) -> CacheMethod:
        return SCORERS[self.scorer](budget=self.budget)

    def wants(self, is_visual: Tensor) -> Wanted:
        """Ask for what the scorer asks for."""
        return self._scorer.wants(is_visual)

    def allocate(self, layers: Sequence[Signals]) -> list[int]:
        """Leave layers to the scorer."""
        return self._scorer.allocate(layers)

    def score(self, signals: Signals, n: int) -> Tensor:
        """Leave scores to the scorer.

        Shapes: -> (B, G, T).
        """
        return self._scorer.score(signals, n)

    def per_head(self, scores: Sequence[Tensor], counts: Sequence[int]) -> list[list[int]]:
        """Count where the best scores of a layer lie.

        Shapes: scores, one (1, G, T) per layer.
        """
        return [self._shared_out(of_layer[0], n) for of_layer, n in zip(scores, counts, strict=True)]

    def _shared_out(self, scores: Tensor, n: int) -> list[int]:
        """Share `n` times the heads out. Shapes: scores (G, T), inf where a position must stay, the same in all."""
        heads, n_tokens = scores.shape
        fixed = int(scores[0].isinf().sum())
        finite = scores.masked_fill(scores.isinf(), float("-inf")).flatten()
        best = top(finite, heads * (n - fixed)) // n_tokens  # the head of each
        found = torch.bincount(best, minlength=heads).tolist()
        mixed = [fixed + self.uniform * (n - fixed) + (1 - self.uniform) * count for count in found]
        return largest_remainder(mixed, heads * n)
