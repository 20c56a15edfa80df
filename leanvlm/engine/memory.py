"""How much memory may still be taken; the size of a batch is chosen by it, and no answer depends on that size."""

from __future__ import annotations

from typing import Any

import psutil
import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

SPARE = 4  # reading the next prompt takes its cache, and for a while several times as much in activations


def cache_bytes(cache: Cache) -> int:
    """Count the bytes of keys and values over all layers that attend."""
    layers: list[Any] = [layer for layer in cache.layers if isinstance(layer, DynamicLayer)]
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)


def has_room(size: int, device: torch.device) -> bool:
    """Tell whether another prompt whose cache has `size` bytes can be read on a device."""
    return available_bytes(device) > SPARE * size


def available_bytes(device: torch.device) -> int:
    """Measure the memory that is free, or held by PyTorch and not in use."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(psutil.virtual_memory().available)
