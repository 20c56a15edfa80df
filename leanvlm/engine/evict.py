"""From a full cache to a recipe's own copy: score, select, store."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Cache

from leanvlm.engine.cache.blank import blank_cache
from leanvlm.engine.cache.kept_layer import KeptLayer
from leanvlm.engine.cache.size import CacheSize
from leanvlm.engine.prefill.prefill import Prefilled
from leanvlm.methods._cache import CacheMethod, uniform
from leanvlm.methods._method import top
from leanvlm.methods._signals import Signals
from leanvlm.methods._storage import StoringMethod

Kept = tuple[Tensor, Tensor, list[int]]  # a layer's keys and values, and the padding of each key head


@dataclass(frozen=True)
class EvictedCache:
    """A cache ready for decoding."""

    cache: Cache
    size: CacheSize


@torch.inference_mode()
def evict(
    prefilled: Prefilled,
    method: CacheMethod | None,
    generator: torch.Generator,
    storage: StoringMethod | None = None,
) -> EvictedCache:
    """Copy what a method keeps of the cache, or all of it; the full cache stays as it is for other methods.

    Takes: storage, how the copy is stored, if not at the model's own precision.
    """
    cache = blank_cache(len(prefilled.is_visual), prefilled.carried)
    kept = _all(prefilled) if method is None else _kept(prefilled, method, generator)
    for index, (keys, values, padding) in zip(prefilled.attending, kept, strict=True):
        if any(padding) or storage is not None:
            cache.layers[index] = KeptLayer(keys, values, padding, storage)
        else:
            cache.update(keys, values, index)
    for index, layer in prefilled.looked.items():  # which nobody changes: all copies share it
        cache.layers[index] = layer
    looked_bytes = sum(layer.nbytes for layer in prefilled.looked.values())
    return EvictedCache(cache, CacheSize.of(prefilled.keys, kept, storage, looked_bytes=looked_bytes))


def _all(prefilled: Prefilled) -> list[Kept]:
    pairs = zip(prefilled.keys, prefilled.values, strict=True)
    return [(keys, values, [0] * keys.shape[1]) for keys, values in pairs]


def _kept(prefilled: Prefilled, method: CacheMethod, generator: torch.Generator) -> list[Kept]:
    layers = prefilled.signals(generator)
    return [
        (*method.store(signals, prefilled.values[signals.layer], chosen), _repeated(chosen))
        for signals, chosen in zip(layers, select(layers, method), strict=True)
    ]


def select(layers: list[Signals], method: CacheMethod) -> list[Tensor]:
    """Return the positions that a method keeps in each layer, ascending.

    A head that keeps fewer than another of its layer has its first position several times.

    Shapes: -> one (1, G, n) per layer.
    """
    counts = method.allocate(layers)
    scores = [method.score(signals, n) for signals, n in zip(layers, counts, strict=True)]
    if method.shared:
        scores = [of_layer.mean(1, keepdim=True).expand_as(of_layer) for of_layer in scores]
        by_head = uniform(scores, counts)
    else:
        by_head = method.per_head(scores, counts)
    return [_top_of_each(of_layer, own) for of_layer, own in zip(scores, by_head, strict=True)]


def _top_of_each(scores: Tensor, counts: list[int]) -> Tensor:
    """Choose so many positions of each head. Shapes: (1, G, T) -> (1, G, n), n the highest count."""
    if len(set(counts)) == 1:
        return top(scores, counts[0])
    chosen = [top(own, n) for own, n in zip(scores.unbind(1), counts, strict=True)]  # each (1, n)
    longest = max(counts)
    return torch.stack([torch.cat([c[:, :1].expand(-1, longest - c.shape[1]), c], 1) for c in chosen], 1)


def _repeated(chosen: Tensor) -> list[int]:
    """Count how often each head's first position is repeated. Shapes: (1, G, n)."""
    repeated: list[int] = ((chosen == chosen[..., :1]).sum(-1) - 1)[0].tolist()
    return repeated
