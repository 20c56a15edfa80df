"""What a layer that looks at pictures outside the prompt holds of them: made once, while the prompt is read."""

from __future__ import annotations

from torch import Tensor
from transformers.cache_utils import DynamicLayer


class CrossLayer(DynamicLayer):
    """What a layer holds of the pictures of one answer: keys and values (1, G, F, D), or nothing. It never grows."""

    keys: Tensor | None
    values: Tensor | None

    def __init__(self, keys: Tensor | None = None, values: Tensor | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if keys is not None and values is not None:
            super().update(keys, values)

    @property
    def nbytes(self) -> int:
        """The bytes that it holds."""
        return 0 if self.keys is None or self.values is None else self.keys.nbytes + self.values.nbytes
