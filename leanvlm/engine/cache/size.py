"""How much of a cache a recipe keeps: shares of positions and of bytes, now and when more tokens have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from leanvlm.methods._storage import StoringMethod


@dataclass(frozen=True)
class _Layer:
    """The positions that each key head holds; the widths of keys and values; the bytes of one number."""

    held: tuple[int, ...]
    key_width: int
    value_width: int
    element: int

    def whole_bytes(self, n_since: int) -> int:
        n = sum(self.held) + len(self.held) * n_since
        return n * (self.key_width + self.value_width) * self.element

    def bytes(self, n_since: int, storage: StoringMethod | None) -> int:
        if storage is None:
            return self.whole_bytes(n_since)
        widths = {"key_width": self.key_width, "value_width": self.value_width, "element": self.element}
        return sum(storage.stored_bytes(n + n_since, **widths) for n in self.held)


@dataclass(frozen=True)
class CacheSize:
    """How much a cache holds over all layers that attend; what layers that convolve carry is left out.

    `share`: of the prompt's positions that each layer received, those that its heads keep. `looked_bytes`: of pictures
    outside the prompt, which are held whole. `n_since`: tokens that came after the prompt.
    """

    share: float
    layers: tuple[_Layer, ...]
    storage: StoringMethod | None
    looked_bytes: int
    n_since: int = 0

    @classmethod
    def of(
        cls,
        received: Sequence[Tensor],
        kept: Sequence[tuple[Tensor, Tensor, list[int]]],
        storage: StoringMethod | None,
        *,
        looked_bytes: int = 0,
    ) -> CacheSize:
        """Measure what is kept. Shapes: received, the keys of each layer, (1, G, T, D); kept, as evict.py says."""
        layers = tuple(
            _Layer(
                tuple(keys.shape[2] - empty for empty in padding), keys.shape[3], values.shape[3], keys.element_size()
            )
            for keys, values, padding in kept
        )
        n = sum(keys.shape[1] * keys.shape[2] for keys in received)
        return cls(sum(sum(layer.held) for layer in layers) / n, layers, storage, looked_bytes)

    def after(self, n: int) -> CacheSize:
        """Say what is held when `n` more tokens have come, all of which stay."""
        return replace(self, n_since=self.n_since + n)

    @property
    def cache_bytes(self) -> int:
        """The bytes of keys and values, as they are stored."""
        return self._of_positions + self.looked_bytes

    @property
    def _of_positions(self) -> int:
        return sum(layer.bytes(self.n_since, self.storage) for layer in self.layers)

    @property
    def bits_kept(self) -> float:
        """The share of the bytes that the same positions take at the model's own precision; 1 unless quantised."""
        return self._of_positions / sum(layer.whole_bytes(self.n_since) for layer in self.layers)
