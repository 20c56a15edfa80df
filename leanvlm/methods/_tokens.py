"""Methods that drop or merge visual tokens: at the decoder's entrance, or at the entrance of one of its layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from leanvlm.methods._method import BudgetedMethod, top
from leanvlm.methods._signals import Signals, Wanted


@dataclass(frozen=True)
class EncoderSignal:
    """Which attention of the vision tower a method reads: of which block, its heads apart or joined to a wide one."""

    block: int = -2  # counted from the end
    as_one_head: bool = False


@dataclass(frozen=True)
class VisualTokens:
    """The visual tokens of ONE image as the decoder would get them, with what the vision tower thought of them.

    Shapes: features (N, C); attention (N,) that each received in the wanted block, from the class token where the
    tower has one, else the mean over all rows, -inf for tokens that no patch stands behind; keys (N, D) of that block,
    mean over heads, or all heads side by side. The last two are None unless the method has an `encoder` signal.
    """

    features: Tensor
    attention: Tensor | None
    keys: Tensor | None
    generator: torch.Generator

    def rank(self) -> Tensor:
        """Return the attention received; the method must have an `encoder` signal."""
        assert self.attention is not None, "a method that reads the vision tower says so in `encoder`"
        return self.attention

    def without_row_ends(self, n: int) -> Tensor | None:
        """Return `n` indices where dropping row-end tokens, which no patch stands behind, is enough; else None.

        Shapes: -> (n,) ascending.
        """
        is_patch = self.rank().isfinite()
        patches, row_ends = is_patch.nonzero()[:, 0], (~is_patch).nonzero()[:, 0]
        return torch.cat([patches, row_ends[: n - len(patches)]]).sort().values if n >= len(patches) else None

    def metric(self) -> Tensor:
        """Return the keys, in float32; the method must have an `encoder` signal."""
        assert self.keys is not None, "a method that reads the vision tower says so in `encoder`"
        return self.keys.float()


@dataclass(frozen=True, kw_only=True)
class TokenMethod(BudgetedMethod):
    """A method that leaves the decoder fewer visual tokens."""

    acts_on: ClassVar[str] = "tokens"

    @property
    def encoder(self) -> EncoderSignal | None:
        """Say what of the vision tower the method reads, if anything."""
        return None


@dataclass(frozen=True, kw_only=True)
class EntranceMethod(TokenMethod):
    """A method that reduces each image's tokens to its budget before the decoder; it owes `reduce`."""

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose `n` of the tokens.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LayerMethod(TokenMethod):
    """A method that drops visual tokens at the entrance of some decoder layers; it owes `stages` and `score`.

    Its budget is the share of the visual tokens that the last stage leaves.
    """

    def stages(self, n_layers: int) -> dict[int, float]:
        """Say at which layers tokens are dropped, counted from 0, and which share of the visual tokens enters each.

        Layers ascend, the first is at least 1; shares descend to the budget.
        """
        raise NotImplementedError

    def wants(self, is_visual: Tensor) -> Wanted:  # noqa: ARG002
        """Say which signals of the layer below a stage `score` reads.

        Shapes: is_visual (T,), of the tokens that the layer gets.
        """
        return Wanted(rows=1)

    def score(self, signals: Signals, seen: Tensor | None) -> Tensor:
        """Say how much each token matters, from the layer below.

        Shapes: seen (visual,) the vision tower's attention, None unless `encoder` asks for it -> (T,).
        """
        raise NotImplementedError

    def reduce(self, states: Tensor, scores: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Make `n` of the visual tokens: the best ones, as they are. The score of one that must stay is infinite.

        Shapes: states (N, C), scores (N,) -> index (n,) ascending, states (n, C).
        """
        index = top(scores, n)
        return index, states[index]
