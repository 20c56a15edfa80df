"""Drop tokens inside the decoder: hooks cut what enters some layers, for the length of a `with`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from leanvlm.engine.attention.recorders import DecoderRecorder
from leanvlm.engine.prefill.peek import peek
from leanvlm.engine.prompt import Prompt, cut_mask
from leanvlm.methods._method import n_keep
from leanvlm.methods._signals import Signals
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel


class Dropper:
    """Decide at each stage's entrance which tokens go on, and cut the arguments of that layer and those above.

    Shapes: kept (n,), which of the prompt's tokens are left; is_visual, one (n,) per layer that got fewer tokens.
    """

    def __init__(
        self,
        method: LayerMethod,
        recorders: dict[int, DecoderRecorder],
        model: LoadedModel,
        prompt: Prompt,
        generator: torch.Generator,
    ) -> None:
        self.method, self.recorders, self.model, self.prompt = method, recorders, model, prompt
        self.generator = generator
        self.stages = method.stages(len(model.text.layers))
        self.kept = torch.arange(len(prompt.is_visual), device=prompt.is_visual.device)
        self.is_visual: list[Tensor] = []

    def decide(self, layer: int, states: Tensor, told: dict[str, Any]) -> Tensor:
        """Keep all text and what the method makes of the visual tokens.

        Takes: told, what the layer is told beside its states. Shapes: (1, T, C) -> (1, n, C).
        """
        is_visual = self.prompt.is_visual[self.kept]
        if not is_visual.any():
            return states
        visual = is_visual.nonzero()[:, 0]
        is_left = torch.isin(self.prompt.is_visual.nonzero()[:, 0], self.kept)
        signals = self._signals(layer, states, told, is_visual)
        scores = self.method.score(signals, self._encoder_attention(is_left))[visual]
        n = max(len(self.prompt.spans), n_keep(self.prompt.n_visual, self.stages[layer]))
        chosen, reduced = self.method.reduce(states[0, visual], self._one_of_each(scores, is_left), n)
        keep = ~is_visual
        keep[visual[chosen]] = True
        self.kept = self.kept[keep]
        return states.index_copy(1, visual[chosen], reduced[None])[:, keep]

    def _one_of_each(self, scores: Tensor, is_left: Tensor) -> Tensor:
        """Let the best token of every picture stay: no picture goes wholly.

        Shapes: scores (N,) of the visual tokens that are left, is_left (visual,) -> (N,).
        """
        lengths = [int(is_left[start:end].sum()) for start, end in self.prompt.spans]
        best = [int(own.argmax()) for own in scores.split(lengths)]  # type: ignore[no-untyped-call]
        starts = accumulate(lengths, initial=0)
        chosen = torch.tensor([start + index for start, index in zip(starts, best, strict=False)], device=scores.device)
        return scores.index_fill(0, chosen, float("inf"))

    def _encoder_attention(self, is_left: Tensor) -> Tensor | None:
        """Return the vision tower's attention to the visual tokens that are left."""
        if self.method.encoder is None:
            return None
        return self.prompt.encoder[self.method.encoder].attention[is_left]

    def _signals(self, layer: int, states: Tensor, told: dict[str, Any], is_visual: Tensor) -> Signals:
        """Collect the signals of the layer that judges: the one below, or this one, which has not run yet."""
        judge = layer + self.method.judge
        if judge == layer:
            recorder = DecoderRecorder(self.method.wants(is_visual))
            peek(self.model.text.layers[layer], self.model.attention[layer], recorder, states, told)
        else:
            recorder = self.recorders[judge]
        assert recorder.keys is not None
        assert recorder.queries is not None
        return Signals(
            keys=recorder.keys,
            queries=recorder.queries,
            sums=recorder.sums,
            is_visual=is_visual,
            scaling=recorder.scaling,
            layer=judge,
            n_layers=len(self.recorders),
            generator=self.generator,
            hidden=recorder.hidden,
            entering=self.model.norm(states)[0],
        )

    def cut(self, layer: int, states: Tensor, told: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
        """Shorten what enters one layer; the layers above get their states from it.

        Takes: told, what the layer is told beside its states, as if no token had been dropped.
        """
        if layer in self.stages:
            states = self.decide(layer, states, self._of_kept(told))
        self.is_visual.append(self.prompt.is_visual[self.kept])
        return states, self._of_kept(told)

    def _of_kept(self, told: dict[str, Any]) -> dict[str, Any]:
        cosine, sine = told["position_embeddings"]
        cut = {
            "position_embeddings": (cosine[..., self.kept, :], sine[..., self.kept, :]),
            "attention_mask": cut_mask(told.get("attention_mask"), self.kept),
        }
        if told.get("position_ids") is not None:
            cut["position_ids"] = told["position_ids"][..., self.kept]
        return told | cut


@contextmanager
def dropping(layers: Any, dropper: Dropper | None) -> Iterator[None]:
    """Hook the layers that get fewer tokens for the length of a `with`."""

    def hook(index: int) -> Any:
        def before(_module: Any, args: tuple[Tensor, ...], arguments: dict[str, Any]) -> Any:
            assert dropper is not None
            states, told = dropper.cut(index, args[0], arguments)
            return (states, *args[1:]), told

        return before

    chosen = range(min(dropper.stages), len(layers)) if dropper is not None else range(0)
    handles = [layers[index].register_forward_pre_hook(hook(index), with_kwargs=True) for index in chosen]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
