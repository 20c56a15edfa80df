"""A layer of one answer's cache that lies in room for more: a token that comes is written, and nothing else moves."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.cache_utils import DynamicLayer

BLOCK = 64  # columns that are made at once


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values (1, G, S, D), which are views of `room` (1, G, S and up to BLOCK more, D)."""

    keys: Tensor
    values: Tensor
    room: tuple[Tensor, ...] = ()

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_options: Any) -> tuple[Tensor, Tensor]:
        """Add what came. Shapes: (1, G, n, D) -> all that is held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        n = self.get_seq_length()
        end = n + key_states.shape[2]
        if not self._has_room(end):
            pairs = ((key_states, self.keys), (value_states, self.values))
            self.room = tuple(_roomier(held, end, like=states) for states, held in pairs)
        for room, states in zip(self.room, (key_states, value_states), strict=True):
            room[:, :, n:end] = states
        self.keys, self.values = (room[:, :, :end] for room in self.room)
        return self.keys, self.values

    def _has_room(self, n: int) -> bool:
        """Tell whether what is held lies in the room, since others may replace it, and `n` columns do."""
        is_inside = bool(self.room) and self.keys.data_ptr() == self.room[0].data_ptr()
        return is_inside and n <= self.room[0].shape[2]


def _roomier(held: Tensor, n: int, *, like: Tensor) -> Tensor:
    """Make room for `n` columns and more, and move there what is held."""
    room = like.new_empty(*like.shape[:2], (n // BLOCK + 1) * BLOCK, like.shape[3])
    if held.numel():
        room[:, :, : held.shape[2]] = held
    return room
