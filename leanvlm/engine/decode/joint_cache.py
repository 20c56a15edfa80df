"""One cache for all answers that are decoded jointly: rows of their own lengths, padded on the right, written in place.

Methods leave rows, layers of a row, and heads of a layer with different numbers of positions. How many are held, and
which columns are seen, therefore stands in one table for all layers, so that a step updates it by three operations, not
three a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from leanvlm.engine.cache.blank import blank_cache, carried
from leanvlm.engine.cache.cross_layer import CrossLayer
from leanvlm.engine.cache.kept_layer import padding_of, storage_of
from leanvlm.engine.decode.looking import Looking
from leanvlm.methods._storage import StoringMethod

BLOCK = 256  # columns by which a cache grows: a multiple of 16, to which CUDA's kernels want masks aligned


@dataclass
class Held:
    """What one layer holds of all rows: views, which stay true while the table changes.

    Shapes: keys and values (rows, G, S, D); mask (rows, G, 1, S), 0 or -inf; the column of the next token, expanded to
    what a scatter wants: key_column and value_column (rows, G, 1, D).
    """

    keys: Tensor
    values: Tensor
    mask: Tensor
    key_column: Tensor
    value_column: Tensor


@dataclass
class _Table:
    """The state of layers on one device with as many heads. Shapes: lengths (L, rows, G), mask (L, rows, G, S)."""

    lengths: Tensor
    mask: Tensor
    layers: list[int]

    def hide(self, slot: int) -> None:
        """Forget a row."""
        self.lengths[:, slot] = 0
        self.mask[:, slot] = float("-inf")

    def show(self, slot: int, lengths: list[list[int]]) -> None:
        """Let the first columns of a row be seen. Takes: lengths, of each layer's heads."""
        self.lengths[:, slot] = torch.tensor(lengths, device=self.lengths.device)
        columns = torch.arange(self.mask.shape[3], device=self.mask.device)
        self.mask[:, slot] = self.mask.new_zeros(()).where(columns < self.lengths[:, slot, :, None], float("-inf"))


@dataclass
class _Stored:
    """A row that is stored in fewer bits, and how many positions its heads hold, by layer."""

    storage: StoringMethod
    lengths: dict[int, list[int]]

    def grow(self) -> Iterator[tuple[int, int | slice, int]]:
        """Count a token in, and yield (layer, heads, positions before it); heads that hold as many go together."""
        for index, lengths in self.lengths.items():
            alike = [(slice(None), lengths[0])] if len(set(lengths)) == 1 else list(enumerate(lengths))
            yield from ((index, heads, n) for heads, n in alike)
            self.lengths[index] = [n + 1 for n in lengths]


class JointCache(Cache):
    """What the model takes for one cache of a batch.

    A free row sees its first column, which holds zeros or what an answer left: its softmax must have something to sum.
    """

    def __init__(self, like: Cache, n_slots: int) -> None:
        """Take: like, a cache of one row, whose layers, groups, widths and dtype all others have."""
        joined = {layer: states.new_zeros(n_slots, *states.shape[1:]) for layer, states in carried(like).items()}
        super().__init__(layers=blank_cache(len(like.layers), joined).layers)
        self.n_slots, self.n_columns = n_slots, 0
        self.stored: dict[int, _Stored] = {}  # the rows that are stored in fewer bits, by slot
        self.convolved, self.held = carried(self), dict[int, Held]()
        self.states = {
            index: tuple(states.new_zeros(n_slots, states.shape[1], 0, states.shape[3]) for states in pair)
            for index, pair in attended(like).items()
        }
        self.tables = [self._table(layers) for layers in self._alike().values()]
        self.looking = Looking(n_slots, self.tables[0].lengths.device)

    def _alike(self) -> dict[tuple[torch.device, int], list[int]]:
        groups: dict[tuple[torch.device, int], list[int]] = {}
        for index, (keys, _) in self.states.items():
            groups.setdefault((keys.device, keys.shape[1]), []).append(index)
        return groups

    def _table(self, layers: list[int]) -> _Table:
        like = self.states[layers[0]][0]  # (rows, G, 0, D)
        lengths = torch.zeros(len(layers), *like.shape[:2], dtype=torch.long, device=like.device)
        return _Table(lengths, like.new_zeros(*lengths.shape, 0), layers)

    def _missing(self, n_columns: int) -> int:
        return max(0, -(-n_columns // BLOCK) * BLOCK - self.n_columns)

    def growth_bytes(self, n_columns: int) -> int:
        """Say how much memory `reserve` would take for good."""
        of_a_column = sum(self.n_slots * s.shape[1] * s.shape[3] * s.element_size() for s in self._all())
        return self._missing(n_columns) * of_a_column

    def _all(self) -> Iterator[Tensor]:
        return (states for pair in self.states.values() for states in pair)

    def reserve(self, n_columns: int) -> bool:
        """Make room for rows of that many positions and tell whether the cache moved: it is copied, layer by layer."""
        if n_columns <= self.n_columns:
            return False
        more = self._missing(n_columns)
        self.n_columns += more
        self.held.clear()  # so that no layer is held twice while the next is copied
        for index, pair in self.states.items():  # zeros, since what a mask hides must still be a number
            self.states[index] = tuple(torch.cat([s, s.new_zeros(*s.shape[:2], more, s.shape[3])], 2) for s in pair)
        for table in self.tables:
            hidden = table.mask.new_full((*table.mask.shape[:3], more), float("-inf"))
            table.mask = torch.cat([table.mask, hidden], 3)
            for place, index in enumerate(table.layers):
                keys, values = self.states[index]
                column = table.lengths[place, :, :, None, None]  # (rows, G, 1, 1)
                columns = (column.expand(-1, -1, -1, states.shape[3]) for states in (keys, values))
                self.held[index] = Held(keys, values, table.mask[place, :, :, None], *columns)
        return True

    def write(self, slot: int, cache: Cache) -> None:
        """Copy a row's cache into its slot; `reserve` made room for it."""
        lengths = {}
        for index, pair in attended(cache).items():
            padding = padding_of(cache.layers[index])
            for ours, states in zip(self.states[index], pair, strict=True):
                ours[slot, :, : states.shape[2]] = _padded_behind(states[0], padding)
                ours[slot, :, states.shape[2] :] = 0  # not what an answer left that ran into NaN, which no mask hides
            lengths[index] = [pair[0].shape[2] - empty for empty in padding]
        for table in self.tables:
            table.show(slot, [lengths[index] for index in table.layers])
        if (storage := storage_of(cache)) is not None:
            self.stored[slot] = _Stored(storage, lengths)
        for index, states in carried(cache).items():
            self.convolved[index][slot] = states[0]
        self.looking.put(slot, cache)

    def clear(self, slot: int) -> None:
        """Free a slot."""
        self.stored.pop(slot, None)
        self.looking.clear(slot)
        for table in self.tables:
            table.hide(slot)

    def open(self) -> None:
        """Let every row see the column that its next token will be written to."""
        for table in self.tables:
            table.mask.scatter_(3, table.lengths[..., None], 0.0)

    def advance(self, is_filled: Tensor) -> None:
        """Count the token that was written. Shapes: is_filled (rows,), 1 where an answer grows, else 0."""
        for table in self.tables:
            table.lengths.add_(is_filled.to(table.lengths.device)[:, None])

    def settle(self) -> None:
        """Store in fewer bits what the token that was written pushed out of the window, in rows that have one."""
        for slot, row in self.stored.items():
            for index, heads, n in row.grow():
                keys, values = (states[slot, heads, : n + 1] for states in self.states[index])
                row.storage.settle(keys, values, before=n)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Count columns; a layer that looks at pictures asks whether there are any."""
        return max(
            (row[layer_idx].get_seq_length() for row in self.looking.slots if layer_idx in row), default=self.n_columns
        )

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_args: Any, **_options: Any
    ) -> tuple[Tensor, Tensor]:
        """Write one token of every row. Shapes: (rows, G, 1, D) -> (rows, G, S, D), those that the mask hides too."""
        held = self.held[layer_idx]
        held.keys.scatter_(2, held.key_column, key_states)
        held.values.scatter_(2, held.value_column, value_states)
        return held.keys, held.values


def attended(cache: Cache) -> dict[int, tuple[Tensor, ...]]:
    """Find the keys and values of the layers that attend. Shapes: two of (1, G, T, D), by layer index."""
    filled: list[tuple[int, Any]] = [
        (i, layer) for i, layer in enumerate(cache.layers) if isinstance(layer, DynamicLayer)
    ]
    return {index: (layer.keys, layer.values) for index, layer in filled if not isinstance(layer, CrossLayer)}


def _padded_behind(states: Tensor, padding: Sequence[int]) -> Tensor:
    """Move what pads each head from the front to the end. Shapes: (G, T, D) -> (G, T, D)."""
    if not any(padding):
        return states
    return torch.stack([own.roll(-empty, 0) for own, empty in zip(states, padding, strict=True)])


def n_positions(cache: Cache) -> int:
    """Count the positions of the layer that holds most."""
    return max(keys.shape[2] for keys, _ in attended(cache).values())
