"""Listen to attention without paying for it: the main path stays SDPA, a recorder keeps what was asked for.

transformers calls one registered function for every attention of a model; ours runs SDPA and hands queries and keys to
the recorder that sits on the module, if any. No L x L matrix is ever made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "leanvlm_sdpa"  # transformers matches substrings: never "flash" or "flex" in this name
BLOCK = 64  # rows of attention computed at a time; small blocks stay in a CPU's cache


class Recorder(Protocol):
    """What may sit on an attention module."""

    def hear(self, query: Tensor, key: Tensor, scaling: float) -> None:
        """Keep what is needed of one attention call.

        Shapes: query (B, H, T, D), key (B, G, T, D), both after rotation.
        """
        ...


def listening_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Attend with SDPA and let the module's recorder hear."""
    recorder: Recorder | None = module.__dict__.get("leanvlm_recorder")
    if recorder is not None:
        scaling = options.get("scaling")
        recorder.hear(query, key, query.shape[-1] ** -0.5 if scaling is None else scaling)
    output: tuple[Tensor, None] = sdpa_attention_forward(module, query, key, value, mask, **options)
    return output


AttentionInterface.register(NAME, listening_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)  # an unregistered name would silently get no mask


@contextmanager
def listening(recorders: dict[nn.Module, Any]) -> Iterator[None]:
    """Put recorders on attention modules for the length of a `with`; nothing is left behind."""
    configs: list[Any] = list({id(module.config): module.config for module in recorders}.values())
    before = [config._attn_implementation_internal for config in configs]
    try:
        for module, recorder in recorders.items():
            module.__dict__["leanvlm_recorder"] = recorder
        for config in configs:
            config._attn_implementation_internal = NAME
        yield
    finally:
        for config, implementation in zip(configs, before, strict=True):
            config._attn_implementation_internal = implementation
        for module in recorders:
            module.__dict__.pop("leanvlm_recorder", None)


class LastQueries:
    """Keep the last `count` queries of a prompt, for cache methods and for layer-wise token methods."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.queries: Tensor | None = None  # (B, H, count, D)
        self.keys: Tensor | None = None
        self.scaling = 1.0

    def hear(self, query: Tensor, key: Tensor, scaling: float) -> None:
        """Keep a copy: a slice would keep the whole tensor alive."""
        self.queries, self.keys, self.scaling = query[:, :, -self.count :].clone(), key, scaling

    def last_row(self) -> Tensor:
        """Return the softmax attention of the prompt's last token.

        Shapes: -> (H, T), float32, batch of one.
        """
        assert self.queries is not None
        assert self.keys is not None
        queries = self.queries[0, :, -1].float()  # (H, D)
        keys = self.keys[0].float()  # (G, T, D)
        grouped: Tensor = queries.unflatten(0, (len(keys), -1))  # type: ignore[no-untyped-call]  # (G, H/G, D)
        return ((grouped @ keys.transpose(1, 2)) * self.scaling).softmax(-1).flatten(0, 1)


class ReceivedAttention:
    """Keep, per patch of the vision tower, the attention it receives and its key, both as means over heads."""

    def __init__(self) -> None:
        self.attention: list[Tensor] = []  # (tiles, N) each
        self.keys: list[Tensor] = []  # (tiles, N, D) each

    def hear(self, query: Tensor, key: Tensor, scaling: float) -> None:
        """Sum the rows of attention block by block."""
        total = torch.zeros(key.shape[:3], device=key.device)  # (tiles, H, N)
        for start in range(0, query.shape[2], BLOCK):
            rows = query[:, :, start : start + BLOCK].float() @ key.float().transpose(-1, -2) * scaling
            total += rows.softmax(-1).sum(2)
        self.attention.append(total.mean(1) / query.shape[2])
        self.keys.append(key.float().mean(1))
