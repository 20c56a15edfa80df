"""From a full cache to a method's own copy: score, select, store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.engine.memory import cache_bytes
from leanvlm.engine.prefill import Prefilled
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._method import top
from leanvlm.methods._signals import Signals


@dataclass(frozen=True)
class Held:
    """How much a cache holds: its share of the received positions over all layers, and its bytes."""

    share: float
    cache_bytes: int


@dataclass(frozen=True)
class Kept:
    """A cache ready for decoding."""

    cache: DynamicCache
    held: Held


@torch.inference_mode()
def evict(prefilled: Prefilled, method: CacheMethod | None, generator: torch.Generator) -> Kept:
    """Copy what a method keeps of the cache, or all of it; the full cache stays as it is for other methods."""
    cache = DynamicCache()
    if method is None:
        for layer, (keys, values) in enumerate(zip(prefilled.keys, prefilled.values, strict=True)):
            cache.update(keys, values, layer)
    else:
        layers = prefilled.signals(generator)
        for signals, places in zip(layers, select(layers, method), strict=True):
            cache.update(*method.store(signals, prefilled.values[signals.layer], places), signals.layer)
    filled: Any = cache.layers  # typed as if it could still be empty
    n_held = sum(layer.keys.shape[2] for layer in filled)
    return Kept(cache, Held(n_held / sum(keys.shape[2] for keys in prefilled.keys), cache_bytes(cache)))


def select(layers: list[Signals], method: CacheMethod) -> list[Tensor]:
    """Return the positions that a method keeps in each layer, ascending.

    Shapes: -> one (1, G, n) per layer.
    """
    found = []
    for signals, n in zip(layers, method.allocate(layers), strict=True):
        scores = method.score(signals, n)
        if method.shared:
            scores = scores.mean(1, keepdim=True).expand_as(scores)
        found.append(top(scores, n))
    return found
