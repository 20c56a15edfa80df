"""Methods that drop or merge visual tokens: at the decoder's entrance, or at the entrance of some of its layers."""

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
    """The visual tokens of ONE image, or of a whole video, as the decoder would get them, and what is known of them.

    Shapes: features (N, C); is_patch (N,), False where no patch stands behind a token, as at the end of a row; text
    (M, C), the embedded text after the last visual token of the prompt; attention (N,) that each received in the wanted
    block of the vision tower, from the class token where the tower has one, else the mean over all rows, -inf for
    tokens that no patch stands behind; keys (N, D) of that block, mean over heads, or all heads side by side. The last
    two are None unless the method has an `encoder` signal. A video's tokens are those of `n_frames` in order, each of
    as many patches.
    """

    features: Tensor
    is_patch: Tensor
    text: Tensor
    generator: torch.Generator
    attention: Tensor | None = None
    keys: Tensor | None = None
    n_frames: int = 1

    def rank(self) -> Tensor:
        """Return the attention received; the method must have an `encoder` signal."""
        assert self.attention is not None, "a method that reads the vision tower says so in `encoder`"
        return self.attention

    def patches(self) -> Tensor:
        """Return the indices of the tokens that patches stand behind.

        Shapes: -> (P,) ascending.
        """
        return self.is_patch.nonzero()[:, 0]

    def without_row_ends(self, n: int) -> Tensor | None:
        """Return `n` indices where dropping row-end tokens, which no patch stands behind, is enough; else None.

        Shapes: -> (n,) ascending.
        """
        patches, row_ends = self.patches(), (~self.is_patch).nonzero()[:, 0]
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

    @property
    def reads_words(self) -> bool:
        """Tell whether the words after the pictures have a say."""
        return False

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose `n` of the tokens.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ChoosingMethod(EntranceMethod):
    """A method that leaves tokens out and changes none; it owes `choose`. Row-end tokens go first."""

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose `n` of the tokens.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        kept = tokens.without_row_ends(n)
        if kept is None:
            patches = tokens.patches()
            kept = patches[self.choose(tokens.features[patches].float(), tokens, n)]
        return kept, tokens.features[kept]

    def choose(self, features: Tensor, tokens: VisualTokens, n: int) -> Tensor:
        """Choose `n` of the patches' tokens, fewer than there are.

        Shapes: features (P, C), float32 -> (n,) ascending, counted among the patches.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class VideoMethod(ChoosingMethod):
    """A method that chooses among the tokens of a whole video, so that a frame may keep none; pictures it refuses."""

    def least(self, n_patches: int, n_frames: int) -> int:  # noqa: ARG002
        """Count the tokens of a video that stay whatever the budget."""
        return 1

    def reduce(self, tokens: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
        """Choose `n` of the tokens, or as many as must stay.

        Shapes: -> index (n,) ascending, features (n, C).
        """
        return super().reduce(tokens, max(n, self.least(len(tokens.patches()), tokens.n_frames)))


@dataclass(frozen=True, kw_only=True)
class LayerMethod(TokenMethod):
    """A method that drops visual tokens at the entrance of some decoder layers; it owes `stages` and `score`.

    Its budget is the share of the visual tokens that the last stage leaves.
    """

    judge: ClassVar[int] = -1  # the layer whose signals `score` gets: -1 that below a stage, 0 the stage's own

    def stages(self, n_layers: int) -> dict[int, float]:
        """Say at which layers tokens are dropped, counted from 0, and which share of the visual tokens enters each.

        Layers ascend, the first is at least 1; shares descend to the budget.
        """
        raise NotImplementedError

    def wants(self, is_visual: Tensor) -> Wanted:  # noqa: ARG002
        """Say which signals of the layer that judges `score` reads.

        Shapes: is_visual (T,), of the tokens that the layer gets.
        """
        return Wanted(rows=1)

    def score(self, signals: Signals, seen: Tensor | None) -> Tensor:
        """Say how much each token matters, from the layer that judges.

        Shapes: seen (visual,) the vision tower's attention, None unless `encoder` asks for it -> (T,).
        """
        raise NotImplementedError

    def reduce(self, states: Tensor, scores: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Make `n` of the visual tokens: the best ones, as they are. The score of one that must stay is infinite.

        Shapes: states (N, C), scores (N,) -> index (n,) ascending, states (n, C).
        """
        index = top(scores, n)
        return index, states[index]


@dataclass(frozen=True, kw_only=True)
class CrossMethod(TokenMethod):
    """A method of models that look at pictures outside the prompt; it owes `choose`.

    The first layer that looks gets all visual tokens, and by what it attends to those are chosen that the others get.
    """

    def choose(self, received: Tensor, n: int) -> Tensor:
        """Choose `n` of the visual tokens of ONE image.

        Shapes: received (H, N), the attention that each head pays to each, mean over the words that see the image,
        float32 -> (n,) ascending.
        """
        raise NotImplementedError
