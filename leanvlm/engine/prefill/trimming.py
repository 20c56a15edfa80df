"""Trim what layers look at outside the prompt: the first attends to all, and thereby chooses for those after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from leanvlm.engine.attention.recorders import BLOCK
from leanvlm.engine.attention.recording import AttentionCall, recording
from leanvlm.engine.crossing import Crossed
from leanvlm.methods._method import n_keep
from leanvlm.methods._tokens import CrossMethod
from leanvlm.models._model import LoadedModel


class Trimmer:
    """Listens to the first layer that looks, lets the method choose image by image, and tells the layers after it."""

    wants_lse = False

    def __init__(self, method: CrossMethod, crossed: Crossed, spans: Sequence[tuple[int, int]]) -> None:
        self.method, self.spans, self.whole = method, spans, crossed
        self.left = crossed  # what the layers after the first get

    def record(self, call: AttentionCall) -> None:
        """Choose by what the first layer attends to."""
        received = self._received(call)
        keep = torch.zeros(received.shape[1], dtype=torch.bool, device=received.device)
        for start, end in self.spans:
            n = n_keep(end - start, self.method.budget)
            keep[start:end][self.method.choose(received[:, start:end], n)] = True
        self.left = self.whole.reduced(self.whole.features, keep)

    def _received(self, call: AttentionCall) -> Tensor:
        """Average what each head pays to each visual token, over the words that see it, block by block.

        Shapes: -> (H, visual), float32.
        """
        heads = call.query.shape[1] // call.key.shape[1]
        keys = call.key[:1].float().repeat_interleave(heads, 1).transpose(-1, -2)  # (1, H, D, F)
        is_seen = (self.whole.mask == 0) & (self.whole.sees > 0)  # (1, 1, T, F)
        total = torch.zeros(call.query.shape[1], keys.shape[-1], device=keys.device)
        for start in range(0, call.query.shape[2], BLOCK):
            queries, seen = call.query[:1, :, start : start + BLOCK].float(), is_seen[:, :, start : start + BLOCK]
            logits = (queries @ keys * call.scaling).masked_fill(~seen, float("-inf"))
            total += logits.softmax(-1).nan_to_num().sum(2)[0]  # a word that sees no picture has no say
        return (total / is_seen.sum(2)[0, 0].clamp(min=1))[:, self.whole.is_visual]


@contextmanager
def trimming(model: LoadedModel, trimmer: Trimmer | None) -> Iterator[None]:
    """Let the layers after the first one that looks get what it left, for the length of a `with`."""
    if trimmer is None:
        yield
        return
    first, *others = model.crossing

    def before(_module: Any, args: tuple[Tensor, ...], told: dict[str, Any]) -> Any:
        return args, told | trimmer.left.arguments(len(args[0]))

    handles = [model.text.layers[layer].register_forward_pre_hook(before, with_kwargs=True) for layer in others]
    try:
        with recording({model.crossing[first]: trimmer}):
            yield
    finally:
        for handle in handles:
            handle.remove()
