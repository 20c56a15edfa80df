"""From a full cache to a method's own copy: score, select, store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import DynamicLayer, LinearAttentionLayer

from leanvlm.engine.memory import cache_bytes
from leanvlm.engine.prefill import Prefilled
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._method import top
from leanvlm.methods._signals import Signals


@dataclass(frozen=True)
class CacheSize:
    """How much a cache holds: its share of the received positions over all layers that attend, and its bytes.

    What layers that convolve carry is left out: no method changes it.
    """

    share: float
    cache_bytes: int


@dataclass(frozen=True)
class EvictedCache:
    """A cache ready for decoding."""

    cache: Cache
    size: CacheSize


@torch.inference_mode()
def evict(prefilled: Prefilled, method: CacheMethod | None, generator: torch.Generator) -> EvictedCache:
    """Copy what a method keeps of the cache, or all of it; the full cache stays as it is for other methods."""
    cache = blank_cache(len(prefilled.is_visual), prefilled.carried)
    if method is None:
        for layer_index, keys, values in zip(prefilled.attending, prefilled.keys, prefilled.values, strict=True):
            cache.update(keys, values, layer_index)
    else:
        layers = prefilled.signals(generator)
        for layer_index, signals, kept in zip(prefilled.attending, layers, select(layers, method), strict=True):
            cache.update(*method.store(signals, prefilled.values[signals.layer], kept), layer_index)
    filled: list[Any] = [cache.layers[index] for index in prefilled.attending]  # typed as if they could be empty
    n_held = sum(layer.keys.shape[2] for layer in filled)
    return EvictedCache(cache, CacheSize(n_held / sum(keys.shape[2] for keys in prefilled.keys), cache_bytes(cache)))


def blank_cache(n_layers: int, carried: dict[int, Tensor]) -> Cache:
    """Make a cache that holds no positions yet; layers that convolve get copies of what they carry.

    Shapes: carried (B, C, kernel), by layer index.
    """
    kinds: list[Any] = [LinearAttentionLayer if index in carried else DynamicLayer for index in range(n_layers)]
    layers = [kind() for kind in kinds]
    for index, states in carried.items():
        layers[index].update_conv_state(states)
    return Cache(layers=layers)


def carried(cache: Cache) -> dict[int, Tensor]:
    """Find what the layers that convolve carry on. Shapes: (B, C, kernel), by layer index."""
    layers: list[Any] = cache.layers
    return {index: layer.conv_states[0] for index, layer in enumerate(layers) if hasattr(layer, "conv_states")}


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
