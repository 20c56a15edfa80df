"""Methods that evict prompt positions from the key-value cache, once, when the prompt has been read.

A method scores; what follows is the same for all: each key-value head keeps the positions with the highest scores, in
ascending order, at their original rotation, and new tokens go on at their true positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from leanvlm.methods._method import Method, n_keep


@dataclass(frozen=True)
class Signals:
    """What one layer knows when the prompt has been read.

    Shapes: keys (B, G, T, D) after rotation; queries (B, H, w, D), the last w of the prompt, at least as many as
    the method's `queries` asked for; is_visual (T,). The attention scale is `scaling`.
    """

    keys: Tensor
    queries: Tensor
    is_visual: Tensor
    scaling: float
    layer: int
    n_layers: int
    generator: torch.Generator

    @property
    def n_tokens(self) -> int:
        """Count the positions that this layer received."""
        return self.keys.shape[2]

    def last_rows(self, w: int) -> Tensor:
        """Return the softmax attention of the last `w` queries, averaged over the heads that share a key head.

        Shapes: -> (B, G, w, T), float32.
        """
        batch, groups, tokens, _ = self.keys.shape
        queries = self.queries[:, :, -w:].float()
        split = queries.unflatten(1, (groups, -1))  # type: ignore[no-untyped-call]
        shared: Tensor = split.flatten(2, 3)  # (B, G, H/G * w, D)
        logits = shared @ self.keys.float().transpose(-1, -2) * self.scaling
        place = torch.arange(tokens, device=logits.device)
        is_later = place > place[-w:, None]  # (w, T): a query does not see later keys
        rows = logits.view(batch, groups, -1, w, tokens).masked_fill(is_later, float("-inf")).softmax(-1)
        return rows.mean(2)


@dataclass(frozen=True, kw_only=True)
class CacheMethod(Method):
    """A method that owes `score`."""

    acts_on: ClassVar[str] = "cache"
    budget: float  # share of the prompt positions that each key-value head keeps, text included

    def queries(self, n_tokens: int) -> int:  # noqa: ARG002
        """Count the last queries of a prompt of `n_tokens` whose attention `score` reads."""
        return 0

    def n_kept(self, signals: Signals) -> int:
        """Count the positions that each head of this layer keeps."""
        return n_keep(signals.n_tokens, self.budget)

    def score(self, signals: Signals) -> Tensor:
        """Say how much each cached position matters; the plumbing keeps the highest.

        Shapes: -> (B, G, T), float32; inf where a position must stay.
        """
        raise NotImplementedError


def always_keep(scores: Tensor, *, first: int = 0, last: int = 0) -> Tensor:
    """Set the scores of the first and the last positions to infinity.

    Shapes: (B, G, T) -> (B, G, T).
    """
    kept = scores.clone()
    kept[..., :first] = float("inf")
    kept[..., scores.shape[-1] - last :] = float("inf")
    return kept
