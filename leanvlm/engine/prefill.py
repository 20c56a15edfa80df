"""Read the prompt once: fill the cache, keep the signals that were asked for, and drop tokens on the way if told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.engine.attention import DecoderEar, listening
from leanvlm.engine.vision import Prompt, cut_mask
from leanvlm.methods._method import n_keep, top
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel


@dataclass(frozen=True)
class Prefilled:
    """A prompt that has been read, batch of one.

    Shapes: keys and values, one (1, G, T, D) per layer; queries, one (1, H, w, D) per layer; sums, one (1, G, T) per
    layer or None; is_visual, one (T,) per layer, T being what that layer received; logits (vocabulary,) of the first
    answer token; next_position (..., 1, 1).
    """

    keys: list[Tensor]
    values: list[Tensor]
    queries: list[Tensor]
    sums: list[Tensor | None]
    scaling: float
    is_visual: list[Tensor]
    logits: Tensor
    next_position: Tensor

    def signals(self, generator: torch.Generator) -> list[Signals]:
        """List what each layer knows, for a method that draws its lots from `generator`."""
        per_layer = zip(self.keys, self.queries, self.sums, self.is_visual, strict=True)
        return [
            Signals(*known, scaling=self.scaling, layer=layer, n_layers=len(self.keys), generator=generator)
            for layer, known in enumerate(per_layer)
        ]


@torch.inference_mode()
def prefill(
    model: LoadedModel, prompt: Prompt, *, wanted: Wanted, method: LayerMethod | None = None, lots: torch.Generator
) -> Prefilled:
    """Run the decoder over the prompt.

    Takes: wanted, the signals to keep of every layer; method, if tokens are dropped inside the decoder.
    """
    layers = model.text.layers
    ears = [DecoderEar(wanted) for _ in layers]
    if method is not None:
        ears[method.layer - 1] = DecoderEar(wanted | method.wants(prompt.is_visual))
    cache = DynamicCache(config=model.text.config)
    dropper = _Dropper(method, ears, prompt, lots) if method is not None else None
    with (
        listening({layer.self_attn: ear for layer, ear in zip(layers, ears, strict=True)}),
        dropping(layers, dropper),
        adding(layers, prompt.added, dropper),
    ):
        states = model.text(
            inputs_embeds=prompt.embeds,
            attention_mask=prompt.masks,
            position_ids=prompt.positions,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
    split = method.layer if method is not None else len(layers)
    kept = dropper.kept if dropper is not None else slice(None)
    cached: Any = cache.layers  # typed as if it could still be empty
    return Prefilled(
        keys=[layer.keys for layer in cached],
        values=[layer.values for layer in cached],
        queries=[_heard(ear) for ear in ears],
        sums=[ear.sums for ear in ears],
        scaling=ears[0].scaling,
        is_visual=[prompt.is_visual if i < split else prompt.is_visual[kept] for i in range(len(layers))],
        logits=model.head(states[:, -1])[0],
        next_position=prompt.positions[..., -1:] + 1,
    )


def _heard(ear: DecoderEar) -> Tensor:
    assert ear.queries is not None
    ear.keys = None  # the cache holds them
    return ear.queries


class _Dropper:
    """Decide at one layer's entrance which tokens go on, and cut the arguments of that layer and those above."""

    def __init__(self, method: LayerMethod, ears: list[DecoderEar], prompt: Prompt, generator: torch.Generator) -> None:
        self.method, self.ears, self.prompt, self.generator = method, ears, prompt, generator
        self.kept = torch.arange(len(prompt.is_visual), device=prompt.is_visual.device)

    def decide(self) -> None:
        """Keep all text and the visual tokens with the highest scores."""
        is_visual = self.prompt.is_visual
        if not is_visual.any():
            return
        seen = self.prompt.encoder.get(self.method.encoder) if self.method.encoder else None
        score = self.method.score(self._below(), seen.attention if seen else None)
        visual = is_visual.nonzero()[:, 0]
        chosen = visual[top(score[visual], n_keep(len(visual), self.method.budget))]
        self.kept = torch.cat([(~is_visual).nonzero()[:, 0], chosen]).sort().values

    def _below(self) -> Signals:
        """Collect what the layer below knows."""
        layer = self.method.layer - 1
        ear = self.ears[layer]
        assert ear.keys is not None
        assert ear.queries is not None
        known = (ear.keys, ear.queries, ear.sums, self.prompt.is_visual, ear.scaling)
        return Signals(*known, layer=layer, n_layers=len(self.ears), generator=self.generator)

    def cut(self, layer: int, states: Tensor, arguments: dict[str, Any]) -> Tensor:
        """Shorten one layer's input; the layers above get their states from it."""
        if layer == self.method.layer:
            self.decide()
            states = states[:, self.kept]
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

    chosen = range(dropper.method.layer, len(layers)) if dropper is not None else range(0)
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
