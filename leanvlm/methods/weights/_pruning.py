"""Methods that set weights to zero: how a setting is read, and which weights of a comparison group go.

A count is pruned, rounded down, never all that lie below a threshold, which ties could cross.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import torch
from torch import Tensor, nn

from leanvlm.methods._method import option
from leanvlm.methods.weights._block import TOKENS
from leanvlm.methods.weights._weights import WeightsMethod

SEMI_STRUCTURED = "2:4"  # of each four neighbouring weights of a row two stay


@dataclass(frozen=True, kw_only=True)
class PruningMethod(WeightsMethod):
    """A method whose setting is the share of weights kept, or 2:4."""

    settings: ClassVar[str] = "the share of weights kept, such as 50%, or 2:4"

    @property
    def is_semi_structured(self) -> bool:
        """Tell whether each four neighbouring weights of a row are compared with each other alone."""
        return self.setting == SEMI_STRUCTURED

    @property
    def together(self) -> int | None:
        """The four neighbours of 2:4."""
        return 4 if self.is_semi_structured else None

    def budget(self) -> float:
        """Return the share of weights that stay."""
        return float(self.share())

    def share(self) -> Fraction:
        """Return the share of weights that stay, exactly.

        Raises: InputError for a setting that is not allowed.
        """
        if self.is_semi_structured:
            return Fraction(1, 2)
        percent = re.fullmatch(r"(0|[1-9]\d*)(\.\d*[1-9])?%", self.setting)  # one spelling per share
        share = Fraction(self.setting[:-1]) / 100 if percent else Fraction(0)
        if not 0 < share <= 1:
            raise self.refusal()
        return share

    def is_pruned(self, scores: Tensor) -> Tensor:
        """Mark the lowest scores of each row, or of each four neighbours of a row.

        Shapes: (outputs, inputs) -> (outputs, inputs), True = to be zeroed.
        """
        size = 4 if self.is_semi_structured else scores.shape[1]
        groups = scores.reshape(len(scores), -1, size)  # (outputs, groups, size)
        return lowest(groups, n_pruned(size, self.share())).flatten(1)


@dataclass(frozen=True, kw_only=True)
class InputAwareMethod(PruningMethod):
    """A method that scores a weight by what enters its layer."""

    tokens: str = option("all", choices=TOKENS)  # whose inputs count; EffiVLM-Bench counts all


@torch.no_grad()
def prune(linear: nn.Linear, marked: Tensor) -> None:
    """Zero the weights that are marked.

    Shapes: marked (outputs, inputs), True = goes.
    """
    linear.weight.masked_fill_(marked, 0)


def n_pruned(n: int, share: Fraction) -> int:
    """Count the weights of `n` that go where a share stays: rounded down, so that none goes too many."""
    return int(n * (1 - share))  # of a fraction, so no float just below a whole number


def lowest(scores: Tensor, n: int) -> Tensor:
    """Mark the `n` lowest scores along the last axis; ties go to the earlier weight.

    Shapes: (..., size) -> (..., size), True = among the lowest.
    """
    index = torch.sort(scores, dim=-1, stable=True).indices[..., :n]
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, index, True)
