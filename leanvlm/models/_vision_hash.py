"""Tell checkpoints whose vision pass is the same from those whose is not, by the weights that it reads."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import nn


def vision_hash(network: Any, decoder: nn.Module, head: nn.Module) -> str:
    """Hash a network's weights but for its decoder's and its head's; the embedding is read, also where it is tied."""
    embedding = network.get_input_embeddings()
    below = [*decoder.parameters(), *decoder.buffers(), *head.parameters()]
    left_out = set(map(id, below)) - set(map(id, [*embedding.parameters(), *embedding.buffers()]))
    hashed = hashlib.sha256()
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if id(tensor) not in left_out:
            hashed.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            hashed.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return hashed.hexdigest()
