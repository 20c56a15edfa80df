"""Cross-Self Pruning: text and pictures have a quota each, so that neither crowds the other out of the ranking.

Source:  Pei et al. 2024, arXiv 2412.04652: attention between positions of one modality (self) and of both (cross) is
         ranked apart; scores come from a softmax with one more in its denominator.
Code:    github.com/TerryPei/CSP @ 1c52eef, kv_token_merge/modify_llama.py (read, not copied).
Departs: `cross_share` 0.1 is the code's default; its published runs take one per data set. A position that both
         rankings want is kept once, and another comes in for it; the code stores it twice. What a quota has no
         positions for goes to the other one; the code fills it with positions of score zero. Shares are rounded so that
         all of the budget is used; the code rounds both down, which mostly loses one, and takes 1 and 308 positions
         where `cross_share` is 0. At most 64 of the recent queries look back; the code asks all of them. Scores are
         averaged over the query heads that share a key head; the code keeps a cache per query head. Prompts without
         pictures are evicted too; the code leaves them whole.
Checked: tests/methods/test_csp.py, two rows over six keys worked by hand; a plain loop over modalities drawn by lot.
         Beside the code @ ca1b030, its quotas rounded as ours, on random keys and queries: the same positions in 839 of
         912 draws; in the others it stores one twice, or its quota has no positions left.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from leanvlm.methods._cache import CacheMethod, always_keep
from leanvlm.methods._method import n_keep, n_share, option, top
from leanvlm.methods._signals import MOST_ROWS, Signals, Wanted


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Rank what the recent queries see of their own modality and of the other one apart."""

    recent_share: float = option(0.5, least=0, most=1)  # share of the kept positions that are the prompt's last
    cross_share: float = option(0.1, least=0, most=1)  # of the other kept ones, those chosen by cross attention

    def wants(self, is_visual: Tensor) -> Wanted:
        """Ask for the rows of the recent positions."""
        return Wanted(rows=self._observed(n_keep(len(is_visual), self.budget)))

    def _recent(self, n: int) -> int:
        return max(1, n_share(n, self.recent_share))

    def _observed(self, n: int) -> int:
        return min(self._recent(n), MOST_ROWS)

    def score(self, signals: Signals, n: int) -> Tensor:
        """Score by the attention received, as a mean over rows; what a quota chose comes before all else.

        Shapes: -> (B, G, T).
        """
        recent = self._recent(n)
        rows = self._rows(signals, self._observed(n))[..., : signals.n_tokens - recent]  # (B, G, w, P)
        is_visual = signals.is_visual
        is_cross = is_visual[-rows.shape[2] :, None] != is_visual[None, : rows.shape[-1]]  # (w, P)
        chosen = self._chosen(rows, is_cross, n - recent)
        return always_keep(pad(rows.mean(2) + 2 * chosen, (0, recent)), last=recent)

    @staticmethod
    def _rows(signals: Signals, w: int) -> Tensor:
        """Return exp(x) / (1 + sum of exp(x)) of the last `w` queries, averaged over the heads of a key head.

        Shapes: -> (B, G, w, T).
        """
        logits = signals.logits(w)
        rows = logits.softmax(-1) * logits.logsumexp(-1, keepdim=True).sigmoid()
        grouped: Tensor = rows.unflatten(1, (signals.keys.shape[1], -1))  # type: ignore[no-untyped-call]
        return grouped.mean(2)

    def _chosen(self, rows: Tensor, is_cross: Tensor, n: int) -> Tensor:
        """Fill both quotas, that of self attention first.

        Shapes: rows (B, G, w, P), is_cross (w, P) -> (B, G, P), 1 = chosen, `n` of each head.
        """
        crossed, own = is_cross.any(0), (~is_cross).any(0)  # (P,): positions that either attention can choose
        n_cross = min(n_share(n, self.cross_share), int(crossed.sum()))
        n_self = min(n - n_cross, int(own.sum()))
        own_sums = (rows * ~is_cross).sum(2).masked_fill(~own, -1)
        by_self = torch.zeros_like(own_sums).scatter(2, top(own_sums, n_self), 1)
        cross_sums = (rows * is_cross).sum(2).masked_fill(~crossed, -1).masked_fill(by_self > 0, -2)
        return by_self.scatter(2, top(cross_sums, n - n_self), 1)
