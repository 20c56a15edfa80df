"""A layer of one answer's cache that is kept otherwise than whole: heads of their own lengths, or fewer bits.

A head that holds fewer positions than the longest is padded in front with columns that nobody sees, so that a new token
goes to the same column of all. What is stored in fewer bits stands here as the values that it gives back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, Cache

from leanvlm.engine.attention.newest import newest_attention, sees_all
from leanvlm.engine.attention.recording import recording
from leanvlm.engine.cache.growing_layer import GrowingLayer
from leanvlm.methods._storage import StoringMethod
from leanvlm.models._model import LoadedModel

NAME = "leanvlm_kept"


class KeptLayer(GrowingLayer):
    """Keys and values (1, G, S, D); `padding`, the columns in front of each key head that hold nothing."""

    def __init__(self, keys: Tensor, values: Tensor, padding: Sequence[int], storage: StoringMethod | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.padding, self.storage = tuple(padding), storage
        super().update(keys, values)
        self.n_settled = 0
        self.settle()

    def settle(self) -> None:
        """Let what left the window be stored in fewer bits."""
        if self.storage is not None:
            for heads, empty in self._alike():
                keys, values = (states[:, heads, empty:] for states in (self.keys, self.values))
                self.storage.settle(keys, values, before=max(0, self.n_settled - empty))
        self.n_settled = self.keys.shape[2]

    def _alike(self) -> list[tuple[int | slice, int]]:
        """List heads with their padding, all together where none has any."""
        return list(enumerate(self.padding)) if any(self.padding) else [(slice(None), 0)]

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **options: Any) -> tuple[Tensor, Tensor]:
        """Add a token, which its own step still finds whole, as it finds all that was whole when it came."""
        assert self.storage is None or key_states.shape[2] == 1, "what leaves the window leaves it token by token"
        self.settle()
        return super().update(key_states, value_states, *args, **options)

    def seen(self) -> Tensor | None:
        """Say which columns hold something, None where all do. Shapes: -> (1, G, 1, S), True = does."""
        if not any(self.padding):
            return None
        column = torch.arange(self.keys.shape[2], device=self.keys.device)
        padding = torch.tensor(self.padding, device=self.keys.device)
        return (column >= padding[:, None])[None, :, None]


def padding_of(layer: Any) -> tuple[int, ...]:
    """Say how many columns in front of each key head hold nothing, in a layer of any kind."""
    return layer.padding if isinstance(layer, KeptLayer) else (0,) * layer.keys.shape[1]


def storage_of(cache: Cache) -> StoringMethod | None:
    """Say how a cache is stored; all its layers are stored alike."""
    return next((layer.storage for layer in cache.layers if isinstance(layer, KeptLayer)), None)


@contextmanager
def seeing(model: LoadedModel, cache: Cache) -> Iterator[None]:
    """Let a new token's heads attend to what they hold of one answer's cache, for the length of a `with`."""
    modules = model.attention | model.crossing
    with recording({module: cache.layers[index] for index, module in modules.items()}, NAME):
        yield


def _kept_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Shapes: query (1, H, 1, D), key and value (1, G, S, D)."""
    assert attention_mask is None
    layer = module.__dict__["leanvlm_recorder"]
    return newest_attention(query, key, value, layer.seen() if isinstance(layer, KeptLayer) else None, **options)


AttentionInterface.register(NAME, _kept_attention)
AttentionMaskInterface.register(NAME, sees_all)
