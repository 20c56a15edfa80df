"""OWL: a decoder layer in which more of Wanda's scores stand out keeps more of its weights.

Source:  Yin et al. 2024, arXiv 2310.05175, section 3: `m` and `lam` are its M and lambda, 5 and 8 % there.
Code:    github.com/luuyin/OWL @ 6242f72, lib/prune_all.py (read, not copied).
Departs: the shares are shifted by their mean over weights, not layers, so the whole keeps exactly what is
         asked; and they move closer together where a layer would keep less than nothing or more than all.
         Calibrated on questions with pictures; `tokens` as in weights/wanda.
Checked: tests/methods/test_owl.py: shares worked by hand, the share of outliers against a slow count over all
         scores of a decoder layer, and a layer without outliers keeps least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from leanvlm.methods._method import option
from leanvlm.methods.weights import wanda
from leanvlm.methods.weights._allocation import AllocatingMethod, apportion, layer_sizes
from leanvlm.methods.weights._decoder import Decoder


@dataclass(frozen=True, kw_only=True)
class Method(AllocatingMethod):
    """Share out by outliers, then prune each output row as Wanda does."""

    m: float = option(5.0, least=1)  # how many times the mean score an outlier exceeds
    lam: float = option(0.08, least=0, most=1)  # half the distance between the largest and the smallest share kept

    def compress(self, decoder: Decoder) -> None:
        """Look at the whole model as it is, share out, and prune layer after layer."""
        sizes = layer_sizes(decoder.model)
        shares = self.shares(self.outliers(decoder), sizes)
        kept = apportion(self.total(sizes), [n * share for n, share in zip(sizes, shares, strict=True)])
        wanda.prune_unevenly(decoder, kept, tokens=self.tokens)

    def outliers(self, decoder: Decoder) -> list[Fraction]:
        """Measure per decoder layer the share of scores above `m` times the layer's mean score."""
        found = []
        for block in decoder.look():
            norms = block.input_norms(tokens=self.tokens)
            scores = torch.cat(
                [wanda.scores(linear.weight, norms[name]).flatten() for name, linear in block.linears.items()]
            )
            found.append(outlier_share(scores, self.m))
        return found

    def shares(self, outliers: Sequence[Fraction], sizes: Sequence[int]) -> list[Fraction]:
        """Map outlier shares to a range of width 2 x `lam` whose mean over weights is the share kept."""
        kept, low, width = self.share(), min(outliers), max(outliers) - min(outliers)
        if width == 0:
            return [kept for _ in outliers]
        raised = [2 * Fraction(self.lam) * (value - low) / width for value in outliers]
        mean = sum(n * value for n, value in zip(sizes, raised, strict=True)) / Fraction(sum(sizes))
        moves = [value - mean for value in raised]
        room = [(1 - kept) / move if move > 0 else -kept / move for move in moves if move]
        return [kept + min([Fraction(1), *room]) * move for move in moves]


def outlier_share(scores: Tensor, m: float) -> Fraction:
    """Count the scores above `m` times their mean, as a share of all.

    Shapes: (weights,).
    """
    return Fraction(int((scores > m * scores.mean()).sum()), scores.numel())
