"""Read the prompt once: fill the cache, keep the signals that were asked for, and drop tokens on the way if told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.engine.attention import LastQueries, listening
from leanvlm.engine.vision import Prompt
from leanvlm.methods._method import n_keep, top
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel


@dataclass(frozen=True)
class Prefilled:
    """A prompt that has been read, batch of one.

    Shapes: keys and values, one (1, G, T, D) per layer; queries, one (1, H, w, D) per layer; is_visual, one (T,) per
    layer, T being what that layer received; logits (vocabulary,) of the first answer token; next_position (..., 1, 1).
    """

    keys: list[Tensor]
    values: list[Tensor]
    queries: list[Tensor]
    scaling: float
    is_visual: list[Tensor]
    logits: Tensor
    next_position: Tensor


@torch.inference_mode()
def prefill(model: LoadedModel, prompt: Prompt, *, n_queries: int, method: LayerMethod | None = None) -> Prefilled:
    """Run the decoder over the prompt.

    Takes: n_queries, how many of the last queries to keep per layer, at least one; method, if tokens are dropped
    inside the decoder.
    """
    layers = model.text.layers
    recorders = [LastQueries(max(1, min(n_queries, prompt.embeds.shape[1]))) for _ in layers]
    cache = DynamicCache(config=model.text.config)
    dropper = _Dropper(method, recorders, prompt) if method is not None else None
    with (
        listening({layer.self_attn: recorder for layer, recorder in zip(layers, recorders, strict=True)}),
        dropping(layers, dropper),
    ):
        states = model.text(
            inputs_embeds=prompt.embeds, position_ids=prompt.positions, past_key_values=cache, use_cache=True
        ).last_hidden_state
    split = method.layer if method is not None else len(layers)
    kept = dropper.kept if dropper is not None else slice(None)
    cached: Any = cache.layers  # typed as if it could still be empty
    return Prefilled(
        keys=[layer.keys for layer in cached],
        values=[layer.values for layer in cached],
        queries=[_heard(recorder) for recorder in recorders],
        scaling=recorders[0].scaling,
        is_visual=[prompt.is_visual if i < split else prompt.is_visual[kept] for i in range(len(layers))],
        logits=model.head(states[:, -1])[0],
        next_position=prompt.positions[..., -1:] + 1,
    )


def _heard(recorder: LastQueries) -> Tensor:
    assert recorder.queries is not None
    recorder.keys = None  # the cache holds them
    return recorder.queries


class _Dropper:
    """Decide at one layer's entrance which tokens go on, and cut the arguments of that layer and those above."""

    def __init__(self, method: LayerMethod, recorders: list[LastQueries], prompt: Prompt) -> None:
        self.method, self.recorders, self.prompt = method, recorders, prompt
        self.kept = torch.arange(len(prompt.is_visual), device=prompt.is_visual.device)

    def decide(self) -> None:
        """Keep all text and the visual tokens with the highest scores."""
        is_visual = self.prompt.is_visual
        if not is_visual.any():
            return
        score = self.method.score(self.recorders[self.method.layer - 1].last_row(), is_visual)
        visual = is_visual.nonzero()[:, 0]
        chosen = visual[top(score[visual], n_keep(len(visual), self.method.budget))]
        self.kept = torch.cat([(~is_visual).nonzero()[:, 0], chosen]).sort().values

    def cut(self, layer: int, states: Tensor, arguments: dict[str, Any]) -> Tensor:
        """Shorten one layer's input; the layers above get their states from it."""
        if layer == self.method.layer:
            self.decide()
            states = states[:, self.kept]
        cosine, sine = arguments["position_embeddings"]
        arguments["position_embeddings"] = (cosine[..., self.kept, :], sine[..., self.kept, :])
        if arguments.get("position_ids") is not None:
            arguments["position_ids"] = arguments["position_ids"][..., self.kept]
        assert arguments.get("attention_mask") is None, "prompts are never padded here"
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
