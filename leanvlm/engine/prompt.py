"""The prompt at the decoder's entrance: embedded tokens, their positions, and which of them are visual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from leanvlm.engine.crossing import Crossed
from leanvlm.errors import InputError
from leanvlm.methods._method import n_keep
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, VideoMethod, VisualTokens


@dataclass(frozen=True)
class EncoderAttention:
    """What one block of the vision tower attends to, per visual token.

    Shapes: attention (visual,), keys (visual, D).
    """

    attention: Tensor
    keys: Tensor


@dataclass(frozen=True)
class Prompt:
    """What enters the decoder, batch of one.

    Shapes: embeds (1, T, C); positions (..., 1, T), for the rotary embedding; is_visual (T,); spans: for each image,
    where its visual tokens begin and end among the visual tokens; is_patch (visual,): which of them a patch stands
    behind; index (T,): each token's index in the prompt as it was asked. Where `is_video`, the images are its frames.
    `encoder` holds the signals that were asked for. What else some models hand to their decoder: `masks`, by
    layer type, each (1, 1, T, T), True = visible, or None for plain causal attention (Gemma 3); `added`, each (T, C),
    what is added to the tokens after each of the first layers (Qwen3-VL's DeepStack). Where the pictures are `crossed`,
    outside the prompt, they are the visual tokens, and none of its tokens is.
    """

    embeds: Tensor
    positions: Tensor
    is_visual: Tensor
    spans: tuple[tuple[int, int], ...]
    is_patch: Tensor
    index: Tensor
    is_video: bool = False
    encoder: dict[EncoderSignal, EncoderAttention] = field(default_factory=dict)
    masks: dict[str, Tensor | None] | None = None
    added: tuple[Tensor, ...] = ()
    crossed: Crossed | None = None

    @property
    def n_visual(self) -> int:
        """Count the visual tokens."""
        return int((self.is_visual if self.crossed is None else self.crossed.is_visual).sum())

    @property
    def features(self) -> Tensor:
        """The visual tokens as the decoder gets them. Shapes: -> (visual, C)."""
        return self.embeds[0, self.is_visual] if self.crossed is None else self.crossed.features

    @property
    def text(self) -> Tensor:
        """The embedded tokens after the last picture. Shapes: -> (M, C)."""
        if self.crossed is not None:
            return self.embeds[0, len(self.is_visual) - self.crossed.n_text :]
        return self.embeds[0, int(self.is_visual.nonzero()[-1]) + 1 :]

    def reduced(self, features: Tensor, keep: Tensor) -> Prompt:
        """Give visual tokens other features and leave some out.

        Shapes: features (visual, C); keep (visual,), True = stays.
        """
        if self.crossed is not None:
            lengths = (int(keep[start:end].sum()) for start, end in self.spans)
            crossed = self.crossed.reduced(features, keep)
            return replace(self, crossed=crossed, spans=to_spans(lengths), is_patch=self.is_patch[keep], encoder={})
        embeds = self.embeds.masked_scatter(self.is_visual[None, :, None], features.to(self.embeds.dtype))
        stays = (~self.is_visual).masked_scatter(self.is_visual, keep)
        return replace(self, embeds=embeds).select(stays)

    def select(self, keep: Tensor) -> Prompt:
        """Leave tokens out; positions stay the original ones.

        Shapes: keep (T,), True = stays.
        """
        lengths = [end - start for start, end in self.spans]
        by_image = torch.split(self.is_visual.nonzero()[:, 0], lengths)
        return Prompt(
            embeds=self.embeds[:, keep],
            positions=self.positions[..., keep],
            is_visual=self.is_visual[keep],
            spans=to_spans(int(keep[index].sum()) for index in by_image),
            is_patch=self.is_patch[keep[self.is_visual]],
            index=self.index[keep],
            is_video=self.is_video,
            masks=None if self.masks is None else {name: cut_mask(mask, keep) for name, mask in self.masks.items()},
            added=tuple(rows[keep] for rows in self.added),
        )


def to_spans(lengths: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Turn lengths of consecutive runs into where each begins and ends."""
    return tuple(pairwise(accumulate(lengths, initial=0)))


def cut_mask(mask: Tensor | None, keep: Tensor) -> Tensor | None:
    """Keep the rows and columns of some tokens.

    Shapes: (1, 1, T, T) -> (1, 1, n, n).
    """
    return None if mask is None else mask[:, :, keep][..., keep]


def reduce_at_entrance(prompt: Prompt, method: EntranceMethod | None, generator: torch.Generator) -> Prompt:
    """Let a token method choose, image by image, what enters the decoder; positions stay the original ones.

    Raises: InputError for a method that chooses among the frames of a video where there is none.
    """
    if method is None or not prompt.spans:
        return prompt
    features = prompt.features  # (visual, C)
    changed, keep = features.clone(), torch.zeros(len(features), dtype=torch.bool, device=features.device)
    attended = prompt.encoder[method.encoder] if method.encoder else None
    for start, end in _wholes(prompt, method):
        tokens = VisualTokens(
            features=features[start:end],
            is_patch=prompt.is_patch[start:end],
            text=prompt.text,
            generator=generator,
            attention=None if attended is None else attended.attention[start:end],
            keys=None if attended is None else attended.keys[start:end],
            n_frames=len(prompt.spans) if isinstance(method, VideoMethod) else 1,
        )
        chosen, made = method.reduce(tokens, n_keep(end - start, method.budget))
        changed[start:end][chosen] = made.to(features.dtype)
        keep[start:end][chosen] = True
    return prompt.reduced(changed, keep)


def _wholes(prompt: Prompt, method: EntranceMethod) -> tuple[tuple[int, int], ...]:
    """List where what a method chooses among begins and ends: each image, or the whole video."""
    if not isinstance(method, VideoMethod):
        return prompt.spans
    if not prompt.is_video:
        raise InputError(f"{method.id} chooses among the frames of a video, and here is none; ask about a video")
    return ((0, prompt.n_visual),)
