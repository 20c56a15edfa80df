"""Methods that drop or merge visual tokens: at the decoder's entrance, or at the entrance of one of its layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from leanvlm.methods._method import Method


@dataclass(frozen=True)
class VisualTokens:
    """The visual tokens of ONE image as the decoder would get them, with what the vision tower thought of them.

    Shapes: features (N, C); attention (N,) mean attention received in the tower's second-to-last block, -inf for
    tokens that no patch stands behind; keys (N, D) that block's keys, mean over heads. The last two are None unless
    the method says `needs_encoder`.
    """

    features: Tensor
    attention: Tensor | None
    keys: Tensor | None
    generator: torch.Generator


@dataclass(frozen=True, kw_only=True)
class EntranceMethod(Method):
    """A method that reduces each image's tokens before the decoder; it owes `reduce`."""

    acts_on: ClassVar[str] = "tokens"
    needs_encoder: ClassVar[bool] = False
    budget: float  # share of each image's visual tokens that enters the decoder

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose `n` of the tokens.

        Shapes: -> places (n,) ascending, features (n, C).
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LayerMethod(Method):
    """A method that drops visual tokens at the entrance of decoder layer `layer`; it owes `score`."""

    acts_on: ClassVar[str] = "tokens"
    budget: float  # share of the visual tokens that enters decoder layer `layer` and those above it
    layer: int = 2  # first decoder layer that gets fewer tokens, counted from 0

    def score(self, row: Tensor, is_visual: Tensor) -> Tensor:
        """Say how much each token matters, from the attention of the prompt's last token in the layer below.

        Shapes: row (H, T), is_visual (T,) -> (T,).
        """
        raise NotImplementedError
