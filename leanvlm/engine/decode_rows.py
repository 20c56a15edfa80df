"""Decode row by row: the way of a CPU, where an answer does not depend on its batch, bit for bit.

What is the same for all, the linear layers, runs on a fixed number of rows at once, whoever fills them; attention runs
row by row, each over its own cache, so no row is padded; what convolutions carry on lies in the rows' own caches too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, Cache

from leanvlm.engine.attention import newest_attention, recording, sees_all
from leanvlm.engine.evict import blank_cache, carried
from leanvlm.engine.kept_layer import KeptLayer
from leanvlm.engine.looking import Looking
from leanvlm.engine.memory import cache_bytes, has_room
from leanvlm.engine.steps import Chosen, DecodeStart, as_chosen, chosen
from leanvlm.models._model import LoadedModel

NAME = "leanvlm_rows"


@dataclass
class _Row:
    cache: Cache
    position: Tensor
    token: int  # the last one


class SingleRows:
    """Answers side by side, each with its own cache, which grows."""

    def __init__(self, model: LoadedModel, n_slots: int) -> None:
        self.model, self.n_slots = model, n_slots
        self.rows: dict[int, _Row] = {}

    def has_room(self) -> bool:
        """Tell whether another cache fits beside those that are held; the first is always tried."""
        if not self.rows:
            return True
        largest = max(cache_bytes(row.cache) for row in self.rows.values())
        return has_room(largest, self.model.model.device)

    def fits(self, start: DecodeStart) -> bool:  # noqa: ARG002
        """Say yes: an answer brings its own cache."""
        return True

    def take(self, start: DecodeStart, token: int) -> int:
        """Put an answer into a free slot."""
        slot = min(set(range(self.n_slots)) - set(self.rows))
        self.rows[slot] = _Row(start.cache, start.position, token)
        return slot

    def put(self, slot: int, token: int) -> None:
        """Let another token than the chosen one come next."""
        self.rows[slot].token = token

    def leave(self, slot: int) -> None:
        """Free a slot."""
        del self.rows[slot]

    def step(self) -> dict[int, Chosen]:
        """Add one token to every answer."""
        return dict(zip(self.rows, _step(self.model, list(self.rows.values()), self.n_slots), strict=True))


def _step(model: LoadedModel, rows: list[_Row], n_slots: int) -> list[Chosen]:
    """Add one token to every row; free slots repeat the first row and are thrown away."""
    slots = rows + [rows[0]] * (n_slots - len(rows))
    ids = torch.tensor([[row.token] for row in slots], device=rows[0].position.device)
    side_by_side = _SideBySide(rows, slots)
    looking = Looking(n_slots, ids.device)
    for slot, row in enumerate(rows if model.crossing else []):
        looking.put(slot, row.cache)
    with recording(dict.fromkeys(model.attention.values(), side_by_side) | looking.recorders(model), NAME):
        states = model.text(
            inputs_embeds=model.model.get_input_embeddings()(ids),
            position_ids=torch.cat([row.position for row in slots], dim=-2),
            past_key_values=side_by_side,
            use_cache=True,
            **looking.arguments,
        ).last_hidden_state
    side_by_side.hand_back()
    said = as_chosen(chosen(model.head(states[:, -1])[: len(rows)]))
    for row, one in zip(rows, said, strict=True):
        row.token = one.token
        row.position = row.position + 1
    return said


class _SideBySide(Cache):
    """What the model takes for one cache of a batch: each row's states go to the row's own cache."""

    def __init__(self, rows: list[_Row], slots: list[_Row]) -> None:
        states = [carried(row.cache) for row in slots]
        joined = {layer: torch.cat([row[layer] for row in states]) for layer in states[0]}
        super().__init__(layers=blank_cache(len(rows[0].cache.layers), joined).layers)
        self.rows = rows
        self.updated: list[Any] = []  # each row's own layer, of the layer that was last updated

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_args: Any, **_options: Any
    ) -> tuple[Tensor, Tensor]:
        """Add one token to each row's cache."""
        self.updated = [row.cache.layers[layer_idx] for row in self.rows]
        for i, layer in enumerate(self.updated):
            layer.update(key_states[i : i + 1], value_states[i : i + 1])
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Count the positions of the row that holds most; a layer that looks at pictures asks whether there are any."""
        return max(row.cache.get_seq_length(layer_idx) for row in self.rows)

    def hand_back(self) -> None:
        """Give each row what its convolutions carry on; they change their states in place."""
        for layer, joined in carried(self).items():
            for slot, row in enumerate(self.rows):
                carried(row.cache)[layer].copy_(joined[slot : slot + 1])


def _rows_attention(
    module: nn.Module, query: Tensor, _key: Tensor, _value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Let each row attend to its own cache. Shapes: query (ROWS, H, 1, D)."""
    assert attention_mask is None
    recorder: _SideBySide | Looking = module.__dict__["leanvlm_recorder"]
    if isinstance(recorder, Looking):
        return recorder.attend(module, query, **options)
    outputs = []
    for i, layer in enumerate(module.__dict__["leanvlm_recorder"].updated):
        seen = layer.seen() if isinstance(layer, KeptLayer) else None
        outputs.append(newest_attention(query[i : i + 1], layer.keys, layer.values, seen, **options)[0])
    return torch.cat(outputs + [outputs[0]] * (len(query) - len(outputs))), None


AttentionInterface.register(NAME, _rows_attention)
AttentionMaskInterface.register(NAME, sees_all)
