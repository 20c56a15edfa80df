"""A cache that holds no positions yet, and what layers that convolve carry on in one."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import Cache
from transformers.cache_utils import LinearAttentionLayer

from leanvlm.engine.cache.growing_layer import GrowingLayer


def blank_cache(n_layers: int, carried: dict[int, Tensor]) -> Cache:
    """Make a cache that holds no positions yet; layers that convolve get copies of what they carry.

    Shapes: carried (B, C, kernel), by layer index.
    """
    kinds: list[Any] = [LinearAttentionLayer if index in carried else GrowingLayer for index in range(n_layers)]
    layers = [kind() for kind in kinds]
    for index, states in carried.items():
        layers[index].update_conv_state(states)
    return Cache(layers=layers)


def carried(cache: Cache) -> dict[int, Tensor]:
    """Find what the layers that convolve carry on. Shapes: (B, C, kernel), by layer index."""
    layers: list[Any] = cache.layers
    return {index: layer.conv_states[0] for index, layer in enumerate(layers) if hasattr(layer, "conv_states")}
