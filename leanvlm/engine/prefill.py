"""Read the prompt once: fill the cache, keep the signals that were asked for, and drop tokens on the way if told to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.engine.attention import listening
from leanvlm.engine.dropping import Dropper, adding, dropping
from leanvlm.engine.ears import DecoderEar
from leanvlm.engine.vision import Prompt
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel


@dataclass(frozen=True)
class Prefilled:
    """A prompt that has been read, batch of one.

    Shapes: of each layer that attends: keys and values (1, G, T, D); queries (1, H, w, D); sums (1, G, T) or None;
    hidden (1, 1, w, T) or None; attending, its place in the decoder. Of every layer: is_visual (T,), T being what it
    received. Of layers that convolve: carried (1, C, kernel), by place, what decoding goes on from. Of the last layer:
    visual_places (n,), where in the prompt its visual tokens stand. Further: logits (vocabulary,) of the first answer
    token; next_position (..., 1, 1).
    """

    keys: list[Tensor]
    values: list[Tensor]
    queries: list[Tensor]
    sums: list[Tensor | None]
    hidden: list[Tensor | None]
    scaling: float
    attending: list[int]
    is_visual: list[Tensor]
    visual_places: Tensor
    carried: dict[int, Tensor]
    logits: Tensor
    next_position: Tensor

    def signals(self, generator: torch.Generator) -> list[Signals]:
        """List what each layer that attends knows, for a method that draws its lots from `generator`."""
        received = [self.is_visual[layer] for layer in self.attending]
        per_layer = zip(self.keys, self.queries, self.sums, received, strict=True)
        return [
            Signals(*known, self.scaling, index, len(self.keys), generator, self.hidden[index])
            for index, known in enumerate(per_layer)
        ]


@torch.inference_mode()
def prefill(
    model: LoadedModel,
    prompt: Prompt,
    *,
    wanted: Wanted,
    method: LayerMethod | None = None,
    lots: torch.Generator,
    copies: int = 1,
) -> Prefilled:
    """Run the decoder over the prompt.

    Takes: wanted, the signals to keep of every layer; method, if tokens are dropped inside the decoder; copies of the
    prompt to read side by side, of which the first is returned.
    """
    layers, attention = model.text.layers, model.attention
    ears = {layer: DecoderEar(wanted) for layer in attention}
    if method is not None:
        for layer in method.stages(len(layers)):
            ears[layer - 1] = DecoderEar(wanted | method.wants(prompt.is_visual))
    cache = DynamicCache(config=model.text.config)
    dropper = Dropper(method, ears, len(layers), prompt, lots) if method is not None else None
    with (
        listening({attention[layer]: ear for layer, ear in ears.items()}),
        dropping(layers, dropper),
        adding(layers, prompt.added, dropper),
    ):
        states = model.text(
            inputs_embeds=prompt.embeds.repeat(copies, 1, 1),
            attention_mask=prompt.masks,
            position_ids=prompt.positions.repeat_interleave(copies, -2),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
    fewer = dropper.is_visual if dropper is not None else []
    kept = dropper.kept if dropper is not None else slice(None)
    cached: Any = cache.layers  # typed as if it could still be empty
    return Prefilled(
        keys=[cached[layer].keys[:1] for layer in attention],
        values=[cached[layer].values[:1] for layer in attention],
        queries=[_heard(ear) for ear in ears.values()],
        sums=[ear.sums for ear in ears.values()],
        hidden=[ear.hidden for ear in ears.values()],
        scaling=next(iter(ears.values())).scaling,
        attending=list(attention),
        carried={i: layer.conv_states[0][:1] for i, layer in enumerate(cached) if i not in attention},
        is_visual=[prompt.is_visual] * (len(layers) - len(fewer)) + fewer,
        visual_places=prompt.places[kept][prompt.is_visual[kept]],
        logits=model.head(states[:, -1])[0],
        next_position=prompt.positions[..., -1:] + 1,
    )


def _heard(ear: DecoderEar) -> Tensor:
    assert ear.queries is not None
    ear.keys = None  # the cache holds them
    return ear.queries
