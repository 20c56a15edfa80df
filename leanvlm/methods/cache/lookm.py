"""LOOK-M: text stays before pictures, and what is evicted is merged into what stays.

Source:  Wan et al. 2024, arXiv 2406.18139, sections 3.2 (text-prior eviction) and 3.3 (averaged, pivotal and weighted
         merging).
Code:    github.com/SUSTechBruce/LOOK-M @ ecf0f51 (read, not copied).
Departs: the budget is exact: text that it cannot hold is ranked by its sums and evicted. The code keeps all text, also
         beyond the budget, and pictures get what text leaves of the heavy hitters' share. A visual position ranks
         after all text by order, not by a large number taken off, which blurs float scores. Every evicted position is
         merged; the code leaves some of the unlike ones out in two of its three variants. Scores and merges are per
         key-value head. `recent_share` 0.1 is EffiVLM-Bench's split. `same_modality` merges text into text and pictures
         into pictures only (EffiVLM-Bench's finding for small budgets).
Checked: tests/methods/test_lookm.py, the selection and both merging examples worked by hand; a plain loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from leanvlm.methods._cache import CacheMethod, always_keep, gather
from leanvlm.methods._method import n_share, option
from leanvlm.methods._signals import Signals, Wanted

MERGES = ("pivotal", "averaged", "weighted", "none")
BLOCK = 256  # evicted positions that look for their like at a time: never all against all


@dataclass(frozen=True, kw_only=True)
class Method(CacheMethod):
    """Prefer text and merge."""

    recent_share: float = option(0.5, least=0, most=1)  # share of the kept positions that are the prompt's last
    merge: str = option("pivotal", choices=MERGES)  # how an evicted position enters its most similar kept one, or none
    same_modality: bool = False  # whether text merges into text only, and pictures into pictures

    def wants(self, is_visual: Tensor) -> Wanted:  # noqa: ARG002
        """Ask for the columns' sums."""
        return Wanted(sums=True)

    def score(self, signals: Signals, n: int) -> Tensor:
        """Score text by the columns' sums plus more than any sum can be; the recent positions stay.

        Shapes: -> (B, G, T).
        """
        sums = signals.column_sums().double()
        prior = (~signals.is_visual).double() * (1.0 + signals.n_tokens)
        return always_keep(sums + prior, last=max(1, n_share(n, self.recent_share)))

    def store(self, signals: Signals, values: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Merge each evicted position into the kept one whose key is most like its own.

        Shapes: values (B, G, T, D), positions (B, G, n) -> two of (B, G, n, D).
        """
        if self.merge == "none" or positions.shape[-1] == signals.n_tokens:
            return super().store(signals, values, positions)
        likeness, target = self._nearest(signals, positions)
        is_merged = (likeness > float("-inf")).scatter(2, positions, False)
        weights = is_merged * (0.5 if self.merge == "pivotal" else 1.0)
        if self.merge == "weighted":
            weights = weights * likeness.clamp(min=-1)
        counts = torch.zeros(positions.shape, device=values.device).scatter_add_(2, target, is_merged.float())
        own = 1 + counts / 2 if self.merge == "pivotal" else torch.ones_like(counts)

        def merged(states: Tensor) -> Tensor:
            given = states.float() * weights[..., None]
            index = target[..., None].expand_as(given)
            total = (gather(states, positions).float() * own[..., None]).scatter_add(2, index, given)
            return (total / (counts + 1)[..., None]).to(states.dtype)

        return merged(signals.keys), merged(values)

    def _nearest(self, signals: Signals, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Find, for every position, the most similar kept one; ties go to the earlier.

        Shapes: positions (B, G, n) -> cosine (B, G, T), -inf where none may be
        chosen; its index among the kept (B, G, T).
        """
        keys = normalize(signals.keys.float(), dim=-1)
        kept = gather(keys, positions).transpose(-1, -2)  # (B, G, D, n)
        found = []
        for start in range(0, signals.n_tokens, BLOCK):
            cosine = keys[:, :, start : start + BLOCK] @ kept  # (B, G, BLOCK, n)
            if self.same_modality:
                other = signals.is_visual[positions][:, :, None] != signals.is_visual[start : start + BLOCK, None]
                cosine = cosine.masked_fill(other, float("-inf"))
            found.append(cosine.max(-1))
        return torch.cat([f.values for f in found], -1), torch.cat([f.indices for f in found], -1)
