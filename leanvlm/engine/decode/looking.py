"""Look at pictures outside the prompt while answers grow: what a cache holds of them, and how a batch attends to it.

Keys and values of pictures are made once, while the prompt is read, and do not grow. What follows the prompt sees what
its last token sees, so nothing else is held, and no mask is needed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache

from leanvlm.engine.attention.newest import newest_attention
from leanvlm.engine.cache.cross_layer import CrossLayer
from leanvlm.engine.crossing import rows_that_see
from leanvlm.models._model import LoadedModel


class Looking:
    """What the answers of a batch look at, slot by slot; a slot without an answer looks at nothing."""

    def __init__(self, n_slots: int, device: torch.device) -> None:
        self.slots: list[dict[int, CrossLayer]] = [{} for _ in range(n_slots)]  # by layer index
        self.sees = torch.zeros(n_slots, 1, 1, 1, dtype=torch.long, device=device)

    def put(self, slot: int, cache: Cache) -> None:
        """Let an answer look at what its cache holds."""
        self.slots[slot] = {index: one for index, one in enumerate(cache.layers) if isinstance(one, CrossLayer)}
        self.sees[slot] = int(any(layer.nbytes for layer in self.slots[slot].values()))

    def clear(self, slot: int) -> None:
        """Let an answer end."""
        self.slots[slot] = {}
        self.sees[slot] = 0

    def recorders(self, model: LoadedModel) -> dict[nn.Module, Any]:
        """Say which modules look."""
        return dict.fromkeys(model.crossing.values(), self)

    @property
    def arguments(self) -> dict[str, Tensor]:
        """Say what a decoder that goes on by one token is told: nothing where no layer looks at pictures."""
        return rows_that_see(self.sees) if any(self.slots) else {}

    def attend(self, module: Any, query: Tensor, **options: Any) -> tuple[Tensor, None]:
        """Let each row attend to what it holds, one by one; what sees no picture gets zeros.

        Shapes: query (rows, H, 1, D) -> (rows, 1, H, D).
        """
        outputs = torch.zeros_like(query.transpose(1, 2))
        for i, slot in enumerate(self.slots):
            layer = slot.get(module.layer_idx)
            if layer is not None and layer.keys is not None and layer.values is not None:
                outputs[i : i + 1], _ = newest_attention(query[i : i + 1], layer.keys, layer.values, None, **options)
        return outputs, None
