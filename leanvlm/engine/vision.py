"""The vision pass: let the model look and merge, and stop it at its decoder's door.

The model's own forward runs the tower, the projector, the packing and the merge; a hook on the decoder stack takes what
would enter it and stops the run. So no model's merging code is copied, whatever its architecture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor

from leanvlm.engine.attention import Heard, listening
from leanvlm.engine.ears import EncoderEar
from leanvlm.methods._method import n_keep
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, VisualTokens
from leanvlm.models._model import LoadedModel


@dataclass(frozen=True)
class Seen:
    """What one block of the vision tower thought of the visual tokens.

    Shapes: attention (visual,), keys (visual, D).
    """

    attention: Tensor
    keys: Tensor


@dataclass(frozen=True)
class Prompt:
    """What enters the decoder, batch of one.

    Shapes: embeds (1, T, C); positions (..., 1, T); is_visual (T,); spans: for each image, where its visual tokens
    begin and end among the visual tokens; places (T,): where each token stands in the prompt as it was asked.
    `encoder` holds the signals that were asked for. What else some models hand to their decoder: `masks`, by layer
    type, each (1, 1, T, T), True = seen, or None for plain causal attention (Gemma 3); `added`, each (T, C), what is
    added to the tokens after each of the first layers (Qwen3-VL's DeepStack).
    """

    embeds: Tensor
    positions: Tensor
    is_visual: Tensor
    spans: tuple[tuple[int, int], ...]
    places: Tensor
    encoder: dict[EncoderSignal, Seen] = field(default_factory=dict)
    masks: dict[str, Tensor | None] | None = None
    added: tuple[Tensor, ...] = ()

    @property
    def n_visual(self) -> int:
        """Count the visual tokens."""
        return int(self.is_visual.sum())


class _AtTheDoor(Exception):
    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def _stop(_module: Any, _args: Any, arguments: dict[str, Any]) -> None:
    raise _AtTheDoor(arguments)


@torch.inference_mode()
def see(model: LoadedModel, inputs: dict[str, Tensor], *, wanted: Iterable[EncoderSignal] = ()) -> Prompt:
    """Run the vision pass of one prompt and keep the signals that the token methods want."""
    has_image = "pixel_values" in inputs or "pixel_values_videos" in inputs
    ears = {signal: EncoderEar(signal, model.class_tokens) for signal in wanted} if has_image else {}
    handle = model.text.register_forward_pre_hook(_stop, with_kwargs=True)
    try:
        with listening(_by_module(model, ears)):
            model.model(**inputs, use_cache=False)
        raise AssertionError("the model never called its decoder stack")
    except _AtTheDoor as door:
        arguments = door.arguments
    finally:
        handle.remove()
    encoder = {
        signal: Seen(
            attention=model.spread(ear.attention, inputs, fill=float("-inf"))[:, 0],
            keys=model.spread(ear.keys, inputs, fill=0.0),
        )
        for signal, ear in ears.items()
    }
    lengths = model.image_lengths(inputs) if has_image else []
    return replace(_prompt(model, inputs["input_ids"][0], arguments, lengths), encoder=encoder)


class _Ears:
    """Several recorders on one module."""

    wants_lse = False

    def __init__(self) -> None:
        self.ears: list[EncoderEar] = []

    def hear(self, heard: Heard) -> None:
        """Let all hear."""
        for ear in self.ears:
            ear.hear(heard)


def _by_module(model: LoadedModel, ears: dict[EncoderSignal, EncoderEar]) -> dict[Any, _Ears]:
    table: dict[Any, _Ears] = defaultdict(_Ears)
    for signal, ear in ears.items():
        table[model.encoder_blocks[signal.block]].ears.append(ear)
    return table


def _prompt(model: LoadedModel, ids: Tensor, arguments: dict[str, Any], lengths: list[int]) -> Prompt:
    embeds, positions = arguments["inputs_embeds"], arguments.get("position_ids")
    if positions is None:
        n = embeds.shape[1]
        positions = torch.arange(n, device=embeds.device).expand(*model.position_axes, 1, n)
    is_visual = torch.isin(ids, torch.tensor(model.visual_ids, device=ids.device))
    deep = arguments.get("deepstack_visual_embeds") or ()  # one (visual, C) per layer
    added = tuple(torch.zeros_like(embeds[0]).masked_scatter(is_visual[:, None], rows.to(embeds)) for rows in deep)
    masks = arguments.get("attention_mask")
    spans, places = _spans(lengths or _runs(is_visual)), torch.arange(len(is_visual), device=is_visual.device)
    return Prompt(embeds, positions, is_visual, spans, places, masks=masks, added=added)


def _runs(is_visual: Tensor) -> list[int]:
    """Measure the runs of visual tokens: one an image where text stands between them."""
    places = is_visual.nonzero()[:, 0].tolist()
    starts = [i for i, place in enumerate(places) if i == 0 or place != places[i - 1] + 1]
    return [end - start for start, end in pairwise([*starts, len(places)])]


def _spans(lengths: Iterable[int]) -> tuple[tuple[int, int], ...]:
    return tuple(pairwise(accumulate(lengths, initial=0)))


def reduce_at_entrance(prompt: Prompt, method: EntranceMethod | None, generator: torch.Generator) -> Prompt:
    """Let a token method choose, image by image, what enters the decoder; positions stay the original ones."""
    if method is None or not prompt.spans:
        return prompt
    visual = prompt.is_visual.nonzero()[:, 0]  # places of visual tokens in the prompt
    embeds, keep = prompt.embeds.clone(), ~prompt.is_visual
    seen = prompt.encoder[method.encoder] if method.encoder else None
    for start, end in prompt.spans:
        tokens = VisualTokens(
            features=prompt.embeds[0, visual[start:end]],
            attention=None if seen is None else seen.attention[start:end],
            keys=None if seen is None else seen.keys[start:end],
            generator=generator,
        )
        places, features = method.reduce(tokens, n_keep(end - start, method.budget))
        embeds[0, visual[start:end][places]] = features.to(embeds.dtype)
        keep[visual[start:end][places]] = True
    return _select(replace(prompt, embeds=embeds), keep)


def _select(prompt: Prompt, keep: Tensor) -> Prompt:
    is_visual = prompt.is_visual[keep]
    return Prompt(
        prompt.embeds[:, keep],
        prompt.positions[..., keep],
        is_visual,
        _spans(int(keep[places].sum()) for places in torch.split(prompt.is_visual.nonzero()[:, 0], _lengths(prompt))),
        prompt.places[keep],
        masks=None if prompt.masks is None else {name: cut_mask(mask, keep) for name, mask in prompt.masks.items()},
        added=tuple(rows[keep] for rows in prompt.added),
    )


def _lengths(prompt: Prompt) -> list[int]:
    return [end - start for start, end in prompt.spans]


def cut_mask(mask: Tensor | None, keep: Tensor) -> Tensor | None:
    """Keep the rows and columns of some tokens.

    Shapes: (1, 1, T, T) -> (1, 1, n, n).
    """
    return None if mask is None else mask[:, :, keep][..., keep]
