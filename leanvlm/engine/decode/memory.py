"""How much memory may still be taken: it sets the size of a batch, which touches no bit of an answer on a CPU."""

from __future__ import annotations

from typing import Any

import psutil
import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

SPARE = 4  # reading the next prompt takes its cache, and for a while several times as much in activations


def cache_bytes(cache: Cache) -> int:
    """Count the bytes of keys and values over all layers that attend."""
    layers: list[Any] = [la for la in cache.layers if isinstance(la, DynamicLayer) and la.is_initialized]
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


def rows_that_fit(row_bytes: int, device: torch.device, *, most: int) -> int:
    """Say how many rows one cache may have: twice what the first takes, for longer ones, beside the next prompt's.

    A power of two, or `most`: the number touches the rounding, so it should not follow every megabyte.
    """
    fit = max(1, (available_bytes(device) - SPARE * row_bytes) // (2 * row_bytes))
    return most if fit >= most else 2 ** (fit.bit_length() - 1)
