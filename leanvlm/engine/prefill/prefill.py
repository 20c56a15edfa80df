"""Read the prompt once: fill the cache, keep the signals that were asked for, and drop tokens on the way if told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.engine.attention.recorders import DecoderRecorder
from leanvlm.engine.attention.recording import recording
from leanvlm.engine.cache.cross_layer import CrossLayer
from leanvlm.engine.crossing import Crossed
from leanvlm.engine.prefill.adding import adding
from leanvlm.engine.prefill.dropping import Dropper, dropping
from leanvlm.engine.prefill.reread import reread
from leanvlm.engine.prefill.trimming import Trimmer, trimming
from leanvlm.engine.prompt import Prompt
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods._tokens import CrossMethod, LayerMethod, TokenMethod
from leanvlm.models._model import LoadedModel


@dataclass(frozen=True)
class Prefilled:
    """A prompt that has been read, batch of one.

    Shapes: of each layer that attends: keys and values (1, G, T, D); queries (1, H, w, D); sums (1, G, T) or None;
    hidden (1, 1, w, T) or None; repeated (1, G, T) or None; attending, its layer index. Of every layer: is_visual (T,),
    T being what it received. Of layers that convolve: carried (1, C, kernel), by layer index, which decoding goes on
    from. Of the last layer: visual_index (n,), the index in the prompt of each visual token that it received. Further:
    logits (vocabulary,) of the first answer token; next_position (..., 1, 1). Of layers that look at pictures outside
    the prompt: looked, what they hold of them, by layer index. Of every layer that gets visual tokens: n_visual.
    """

    keys: list[Tensor]
    values: list[Tensor]
    queries: list[Tensor]
    sums: list[Tensor | None]
    hidden: list[Tensor | None]
    repeated: list[Tensor | None]
    scaling: float
    attending: list[int]
    is_visual: list[Tensor]
    visual_index: Tensor
    carried: dict[int, Tensor]
    logits: Tensor
    next_position: Tensor
    looked: dict[int, CrossLayer]
    n_visual: list[int]

    def signals(self, generator: torch.Generator) -> list[Signals]:
        """List the signals of each layer that attends, for a method that draws from `generator`."""
        return [
            Signals(
                keys=self.keys[index],
                queries=self.queries[index],
                sums=self.sums[index],
                is_visual=self.is_visual[layer_index],
                scaling=self.scaling,
                layer=index,
                n_layers=len(self.keys),
                generator=generator,
                hidden=self.hidden[index],
                repeated=self.repeated[index],
            )
            for index, layer_index in enumerate(self.attending)
        ]


@torch.inference_mode()
def prefill(
    model: LoadedModel,
    prompt: Prompt,
    *,
    wanted: Wanted,
    method: TokenMethod | None = None,
    rng: torch.Generator,
    copies: int = 1,
) -> Prefilled:
    """Run the decoder over the prompt.

    Takes: wanted, the signals to keep of every layer; method, one that drops tokens inside the decoder, else it has no
    say; copies of the prompt to read side by side, of which the first is returned.
    """
    layers, attention = model.text.layers, model.attention
    recorders = {layer: DecoderRecorder(wanted) for layer in attention}
    if isinstance(method, LayerMethod) and method.judge < 0:
        for layer in method.stages(len(layers)):
            recorders[layer + method.judge] = DecoderRecorder(wanted | method.wants(prompt.is_visual))
    cache, crossed = DynamicCache(config=model.text.config), prompt.crossed
    dropper = Dropper(method, recorders, model, prompt, rng) if isinstance(method, LayerMethod) else None
    trimmer = Trimmer(method, crossed, prompt.spans) if isinstance(method, CrossMethod) and crossed else None
    with (
        recording({attention[layer]: recorder for layer, recorder in recorders.items()}),
        dropping(layers, dropper),
        adding(layers, prompt.added, dropper),
        trimming(model, trimmer),
    ):
        states = model.text(
            inputs_embeds=prompt.embeds.repeat(copies, 1, 1),
            attention_mask=prompt.masks,
            position_ids=prompt.positions.repeat_interleave(copies, -2),
            past_key_values=cache,
            use_cache=True,
            **(crossed.arguments(copies) if crossed else {}),
        ).last_hidden_state
    repeated = reread(model, prompt) if wanted.repeated else None
    looked = _looked(cache.layers, crossed, list(model.crossing), trimmer)
    return _prefilled(prompt, cache.layers, recorders, dropper, model.head(states[:, -1])[0], repeated, looked)


Looked = dict[int, tuple[CrossLayer, int]]  # by layer index; beside what is held, how many visual tokens came


def _looked(cached: Any, crossed: Crossed | None, crossing: list[int], trimmer: Trimmer | None) -> Looked:
    """Hold what decoding will see of the pictures outside the prompt, layer by layer."""
    if crossed is None:
        return {layer: (CrossLayer(), 0) for layer in crossing}
    found = {}
    for layer in crossing:
        got = crossed if trimmer is None or layer == crossing[0] else trimmer.left
        states = (cached[layer].keys, cached[layer].values)
        found[layer] = CrossLayer(*(one[:1, :, got.seen] for one in states)), int(got.is_visual.sum())
    return found


def _prefilled(
    prompt: Prompt,
    cached: Any,
    recorders: dict[int, DecoderRecorder],
    dropper: Dropper | None,
    logits: Tensor,
    repeated: Sequence[Tensor] | None,
    looked: Looked,
) -> Prefilled:
    """Collect what the first of the copies left in cache and recorders."""
    fewer = dropper.is_visual if dropper is not None else []
    kept = dropper.kept if dropper is not None else slice(None)
    is_visual = [prompt.is_visual] * (len(cached) - len(fewer)) + fewer
    return Prefilled(
        keys=[cached[layer].keys[:1] for layer in recorders],
        values=[cached[layer].values[:1] for layer in recorders],
        queries=[_queries(recorder) for recorder in recorders.values()],
        sums=[recorder.sums for recorder in recorders.values()],
        hidden=[recorder.hidden for recorder in recorders.values()],
        repeated=[None] * len(recorders) if repeated is None else list(repeated),
        scaling=next(iter(recorders.values())).scaling,
        attending=list(recorders),
        carried={i: layer.conv_states[0][:1] for i, layer in enumerate(cached) if hasattr(layer, "conv_states")},
        is_visual=is_visual,
        visual_index=prompt.index[kept][prompt.is_visual[kept]],
        logits=logits,
        next_position=prompt.positions[..., -1:] + 1,
        looked={layer: held for layer, (held, _) in looked.items()},
        n_visual=[n for _, n in looked.values()] or [int(layer.sum()) for layer in is_visual],
    )


def _queries(recorder: DecoderRecorder) -> Tensor:
    assert recorder.queries is not None
    recorder.keys = None  # the cache holds them
    return recorder.queries
