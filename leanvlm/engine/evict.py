"""From a full cache to a method's own copy: score, select, gather."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.engine.prefill import Prefilled
from leanvlm.methods._cache import CacheMethod, Signals
from leanvlm.methods._method import top


@dataclass(frozen=True)
class Kept:
    """A cache ready for decoding, and the share of the received positions that it holds, mean over layers."""

    cache: DynamicCache
    share: float
    cache_bytes: int


@torch.inference_mode()
def evict(prefilled: Prefilled, method: CacheMethod | None, generator: torch.Generator) -> Kept:
    """Copy what a method keeps of the cache, or all of it; the full cache stays as it is for other methods."""
    cache, shares = DynamicCache(), []
    for layer, (keys, values) in enumerate(zip(prefilled.keys, prefilled.values, strict=True)):
        if method is not None:
            places = select(prefilled, method, layer, generator)  # (1, G, n)
            keys, values = gather(keys, places), gather(values, places)
        shares.append(keys.shape[2] / prefilled.keys[layer].shape[2])
        cache.update(keys, values, layer)
    filled: Any = cache.layers  # typed as if it could still be empty
    size = sum(layer.keys.nbytes + layer.values.nbytes for layer in filled)
    return Kept(cache, sum(shares) / len(shares), size)


def select(prefilled: Prefilled, method: CacheMethod, layer: int, generator: torch.Generator) -> Tensor:
    """Return the positions that a method keeps in one layer, ascending.

    Shapes: -> (1, G, n).
    """
    signals = Signals(
        keys=prefilled.keys[layer],
        queries=prefilled.queries[layer],
        is_visual=prefilled.is_visual[layer],
        scaling=prefilled.scaling,
        layer=layer,
        n_layers=len(prefilled.keys),
        generator=generator,
    )
    return top(method.score(signals), method.n_kept(signals))


def gather(states: Tensor, places: Tensor) -> Tensor:
    """Copy the chosen positions of every key-value head.

    Shapes: (1, G, T, D), (1, G, n) -> (1, G, n, D).
    """
    return states.gather(2, places[..., None].expand(-1, -1, -1, states.shape[-1]))
