"""Methods that evict prompt positions from the key-value cache, once, when the prompt has been read.

A method scores; what follows is the same for all: each key-value head keeps the positions with the highest scores, in
ascending order, at their original rotation, and new tokens go on at their true positions. A method may also share the
positions out over layers (`allocate`) and heads (`per_head`), and change what is kept (`store`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, pad

from leanvlm.methods._method import BudgetedMethod, n_keep, n_share, option
from leanvlm.methods._signals import Signals, Wanted


@dataclass(frozen=True, kw_only=True)
class CacheMethod(BudgetedMethod):
    """A method that owes `score`; its budget is of the prompt positions, text included, mean over layers."""

    acts_on: ClassVar[str] = "cache"
    rereads: ClassVar[bool] = False  # has the pictures read again, which takes a decoder that drops no tokens inside
    shared: bool = False  # whether all key-value heads of a layer keep the same positions, chosen by their mean score

    def wants(self, is_visual: Tensor) -> Wanted:  # noqa: ARG002
        """Say which signals of a prompt `score` and `allocate` read.

        Shapes: is_visual (T,).
        """
        return Wanted()

    def allocate(self, layers: Sequence[Signals]) -> list[int]:
        """Count the positions that each head of each layer keeps: here the same share of what each layer received."""
        return [n_keep(layer.n_tokens, self.budget) for layer in layers]

    def score(self, signals: Signals, n: int) -> Tensor:
        """Say how much each cached position matters to a layer that keeps `n`; the plumbing keeps the highest.

        Shapes: -> (B, G, T), float32; inf where a position must stay.
        """
        raise NotImplementedError

    def per_head(self, scores: Sequence[Tensor], counts: Sequence[int]) -> list[list[int]]:
        """Share each layer's count out over its key-value heads, of which it is the mean: here alike.

        Shapes: scores, one (1, G, T) per layer.
        """
        return uniform(scores, counts)

    def store(self, signals: Signals, values: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the keys and values that stay in the cache: here the chosen ones, untouched.

        Shapes: values (B, G, T, D), positions (B, G, n) ascending -> two of (B, G, n, D).
        """
        return gather(signals.keys, positions), gather(values, positions)


def uniform(scores: Sequence[Tensor], counts: Sequence[int]) -> list[list[int]]:
    """Let every head of a layer keep as many. Shapes: scores, one (1, G, T) per layer."""
    return [[n] * of_layer.shape[1] for of_layer, n in zip(scores, counts, strict=True)]


def gather(states: Tensor, positions: Tensor) -> Tensor:
    """Copy the chosen positions of every key-value head; a slice would keep the whole tensor alive.

    Shapes: (B, G, T, D), (B, G, n) -> (B, G, n, D).
    """
    return states.gather(2, positions[..., None].expand(-1, -1, -1, states.shape[-1]))


def always_keep(scores: Tensor, *, first: int = 0, last: int = 0) -> Tensor:
    """Set the scores of the first and the last positions to infinity.

    Shapes: (B, G, T) -> (B, G, T).
    """
    kept = scores.clone()
    kept[..., :first] = float("inf")
    kept[..., scores.shape[-1] - last :] = float("inf")
    return kept


@dataclass(frozen=True, kw_only=True)
class VotingMethod(CacheMethod):
    """A method that lets the prompt's last queries vote, by SnapKV's rule; they themselves stay."""

    window: int = option(32, least=1)  # queries that vote and stay, counted from the prompt's end [tokens]
    window_share: float = option(0.0, least=0, most=1)  # if above 0, replaces `window`: a share of the kept positions
    kernel: int = option(5, least=1)  # width of the smoothing of votes [tokens]

    def wants(self, is_visual: Tensor) -> Wanted:
        """Ask for the voters' rows."""
        return Wanted(rows=self.voters(n_keep(len(is_visual), self.budget)))

    def voters(self, n: int) -> int:
        """Count the queries that vote where `n` positions are kept, in the mean over layers."""
        return max(1, n_share(n, self.window_share) if self.window_share else min(self.window, n // 2))

    def score(self, signals: Signals, n: int) -> Tensor:
        """Score by the votes, smoothed along the prompt; zeros beyond both ends count, as in SnapKV's code.

        Shapes: -> (B, G, T).
        """
        window = min(n, self.voters(n_keep(signals.n_tokens, self.budget)))
        if window >= signals.n_tokens:
            every = signals.keys.new_zeros(signals.keys.shape[:3], dtype=torch.float32)
            return always_keep(every, last=signals.n_tokens)
        votes = signals.last_rows(window).mean(2)[..., : signals.n_tokens - window]  # (B, G, T - w)
        smooth = avg_pool1d(votes, self.kernel, stride=1, padding=self.kernel // 2)[..., : votes.shape[-1]]
        return always_keep(pad(smooth, (0, window)), last=window)


def blend(weights: Sequence[float], uniform: float) -> list[float]:
    """Mix weights with equal ones; the result sums to one. EffiVLM-Bench's hybrid has 0.8 uniform."""
    total, n = sum(weights), len(weights)
    return [uniform / n + (1 - uniform) * (weight / total if total > 0 else 1 / n) for weight in weights]


def apportion(weights: Sequence[float], total: int, *, least: Sequence[int], most: Sequence[int]) -> list[int]:
    """Split `total` by positive weights into whole numbers from `least` to `most`; the sum is exact.

    What a bound takes or gives is shared out anew among the others; fractions by largest remainder, ties to the
    earlier.
    """

    def shares(factor: float) -> list[float]:
        bounded = zip(weights, least, most, strict=True)
        return [min(max(weight * factor, float(few)), float(many)) for weight, few, many in bounded]

    low, high = 0.0, sum(most) / min(weights)
    for _ in range(200):  # bisection: bounds included, the sum grows with the common factor
        middle = (low + high) / 2
        low, high = (middle, high) if sum(shares(middle)) < total else (low, middle)
    return largest_remainder(shares(high), total)


def largest_remainder(exact: Sequence[float], total: int) -> list[int]:
    """Round numbers whose sum is `total` to whole ones whose sum it is too, ties to the earlier."""
    counts = [n_share(1, share) for share in exact]
    by_rest = sorted(range(len(counts)), key=lambda i: (round(counts[i] - exact[i], 9), i))
    for i in by_rest[: total - sum(counts)]:
        counts[i] += 1
    return counts
