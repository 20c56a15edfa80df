"""Methods that let some decoder layers keep more weights than others, at a sum that is exact.

Shares are fractions, never floats, so that counts add up to what was asked to the last weight. Within a
decoder layer every linear layer keeps the same share, and within a linear layer every row, up to one weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from leanvlm.methods.weights._layers import linears_by_layer
from leanvlm.methods.weights._pruning import InputAwareMethod, n_pruned


@dataclass(frozen=True, kw_only=True)
class AllocatingMethod(InputAwareMethod):
    """A method whose setting is the share that all decoder layers keep together."""

    settings: ClassVar[str] = "the share of weights kept, such as 50%, since 2:4 keeps half of every layer"
    is_even: ClassVar[bool] = False

    def share(self) -> Fraction:
        """Return the share of weights that stay, exactly.

        Raises: InputError for a setting that is not allowed, 2:4 among them.
        """
        if self.is_semi_structured:
            raise self.refusal()
        return super().share()

    def total(self, sizes: Sequence[int]) -> int:
        """Count the weights that all decoder layers keep together."""
        return sum(sizes) - n_pruned(sum(sizes), self.share())


def layer_sizes(model: nn.Module) -> list[int]:
    """Count the weights of each decoder layer's linear layers."""
    return [sum(linear.weight.numel() for linear in own.values()) for own in linears_by_layer(model)]


def per_linear(model: nn.Module, kept: Sequence[int]) -> dict[str, int]:
    """Share out what each decoder layer keeps among its linear layers, by their sizes."""
    counts: dict[str, int] = {}
    for own, n in zip(linears_by_layer(model), kept, strict=True):
        parts = apportion(n, [linear.weight.numel() for linear in own.values()])
        counts |= dict(zip(own, parts, strict=True))
    return counts


def apportion(n: int, sizes: Sequence[int | Fraction]) -> list[int]:
    """Divide `n` in proportion to the sizes into whole numbers that add up to it, each within one of its quota."""
    whole = sum(sizes)
    ends = [int(n * end / Fraction(whole)) for end in accumulate(sizes, initial=Fraction(0))]
    return [after - before for before, after in pairwise(ends)]


def lowest_by_row(scores: Tensor, n: int) -> Tensor:
    """Mark `n` scores in all: the lowest of each row, as many in one as in another, up to one weight.

    Shapes: (outputs, inputs) -> (outputs, inputs), True = among the lowest.
    """
    counts = scores.new_tensor(apportion(n, [1] * len(scores)), dtype=torch.long)
    index = torch.sort(scores, dim=1, stable=True).indices
    is_low = torch.arange(scores.shape[1], device=scores.device) < counts[:, None]
    return torch.zeros_like(is_low).scatter_(1, index, is_low)
