"""Read the prompt once: fill the cache, keep the signals that were asked for, and drop tokens on the way if told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.engine.attention import DecoderEar, listening
from leanvlm.engine.vision import Prompt, cut_mask
from leanvlm.methods._method import n_keep
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel


@dataclass(frozen=True)
class Prefilled:
    """A prompt that has been read, batch of one.

    Shapes: of each layer that attends: keys and values (1, G, T, D); queries (1, H, w, D); sums (1, G, T) or None;
    hidden (1, 1, w, T) or None; attending, its place in the decoder. Of every layer: is_visual (T,), T being what it
    received. Of layers that convolve: carried (1, C, kernel), by place, what decoding goes on from. Further: logits
    (vocabulary,) of the first answer token; next_position (..., 1, 1).
    """

    keys: list[Tensor]
    values: list[Tensor]
    queries: list[Tensor]
    sums: list[Tensor | None]
    hidden: list[Tensor | None]
    scaling: float
    attending: list[int]
    is_visual: list[Tensor]
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
    dropper = _Dropper(method, ears, len(layers), prompt, lots) if method is not None else None
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
        logits=model.head(states[:, -1])[0],
        next_position=prompt.positions[..., -1:] + 1,
    )


def _heard(ear: DecoderEar) -> Tensor:
    assert ear.queries is not None
    ear.keys = None  # the cache holds them
    return ear.queries


class _Dropper:
    """Decide at each stage's entrance which tokens go on, and cut the arguments of that layer and those above.

    Shapes: kept (n,), which of the prompt's tokens are left; is_visual, one (n,) per layer that got fewer tokens.
    """

    def __init__(
        self,
        method: LayerMethod,
        ears: dict[int, DecoderEar],
        n_layers: int,
        prompt: Prompt,
        generator: torch.Generator,
    ) -> None:
        self.method, self.ears, self.prompt, self.generator = method, ears, prompt, generator
        self.stages = method.stages(n_layers)
        self.kept = torch.arange(len(prompt.is_visual), device=prompt.is_visual.device)
        self.is_visual: list[Tensor] = []

    def decide(self, layer: int, states: Tensor) -> Tensor:
        """Keep all text and what the method makes of the visual tokens.

        Shapes: (1, T, C) -> (1, n, C).
        """
        is_visual = self.prompt.is_visual[self.kept]
        if not is_visual.any():
            return states
        visual = is_visual.nonzero()[:, 0]
        is_left = torch.isin(self.prompt.is_visual.nonzero()[:, 0], self.kept)
        scores = self.method.score(self._below(layer, is_visual), self._seen(is_left))[visual]
        n = max(len(self.prompt.spans), n_keep(self.prompt.n_visual, self.stages[layer]))
        places, reduced = self.method.reduce(states[0, visual], self._one_of_each(scores, is_left), n)
        keep = ~is_visual
        keep[visual[places]] = True
        self.kept = self.kept[keep]
        return states.index_copy(1, visual[places], reduced[None])[:, keep]

    def _one_of_each(self, scores: Tensor, is_left: Tensor) -> Tensor:
        """Let the best token of every picture stay: no picture goes wholly.

        Shapes: scores (N,) of the visual tokens that are left, is_left (visual,) -> (N,).
        """
        lengths = [int(is_left[start:end].sum()) for start, end in self.prompt.spans]
        best = [int(own.argmax()) for own in scores.split(lengths)]  # type: ignore[no-untyped-call]
        starts = accumulate(lengths, initial=0)
        chosen = torch.tensor([start + index for start, index in zip(starts, best, strict=False)], device=scores.device)
        return scores.index_fill(0, chosen, float("inf"))

    def _seen(self, is_left: Tensor) -> Tensor | None:
        """Return what the vision tower thought of the visual tokens that are left."""
        if self.method.encoder is None:
            return None
        return self.prompt.encoder[self.method.encoder].attention[is_left]

    def _below(self, layer: int, is_visual: Tensor) -> Signals:
        """Collect what the layer below knows."""
        ear = self.ears[layer - 1]
        assert ear.keys is not None
        assert ear.queries is not None
        known = (ear.keys, ear.queries, ear.sums, is_visual, ear.scaling)
        return Signals(*known, layer - 1, len(self.ears), self.generator, ear.hidden)

    def cut(self, layer: int, states: Tensor, arguments: dict[str, Any]) -> Tensor:
        """Shorten one layer's input; the layers above get their states from it."""
        if layer in self.stages:
            states = self.decide(layer, states)
        self.is_visual.append(self.prompt.is_visual[self.kept])
        cosine, sine = arguments["position_embeddings"]
        arguments["position_embeddings"] = (cosine[..., self.kept, :], sine[..., self.kept, :])
        if arguments.get("position_ids") is not None:
            arguments["position_ids"] = arguments["position_ids"][..., self.kept]
        arguments["attention_mask"] = cut_mask(arguments.get("attention_mask"), self.kept)
        return states


@contextmanager
def dropping(layers: Any, dropper: _Dropper | None) -> Iterator[None]:
    """Hook the layers that get fewer tokens for the length of a `with`."""

    def hook(index: int) -> Any:
        def before(_module: Any, args: tuple[Tensor, ...], arguments: dict[str, Any]) -> Any:
            assert dropper is not None
            return (dropper.cut(index, args[0], arguments), *args[1:]), arguments

        return before

    chosen = range(min(dropper.stages), len(layers)) if dropper is not None else range(0)
    handles = [layers[index].register_forward_pre_hook(hook(index), with_kwargs=True) for index in chosen]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def adding(layers: Any, added: tuple[Tensor, ...], dropper: _Dropper | None) -> Iterator[None]:
    """Add a prompt's own rows to what comes out of the first layers for the length of a `with`.

    The model would do it itself, but only to tokens that nobody dropped.
    """

    def hook(rows: Tensor) -> Any:
        def after(_module: Any, _args: Any, states: Tensor) -> Tensor:
            return states + (rows if dropper is None else rows[dropper.kept])

        return after

    first = list(layers)[: len(added)]
    handles = [layer.register_forward_hook(hook(rows)) for layer, rows in zip(first, added, strict=True)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
