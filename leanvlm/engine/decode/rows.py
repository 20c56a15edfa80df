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

from leanvlm.engine.attention.newest import newest_attention, sees_all
from leanvlm.engine.attention.recording import recording
from leanvlm.engine.cache.blank import blank_cache, carried
from leanvlm.engine.cache.kept_layer import KeptLayer
from leanvlm.engine.decode.looking import Looking
from leanvlm.engine.decode.memory import cache_bytes, has_room
from leanvlm.engine.decode.steps import Chosen, DecodeStart, as_chosen, chosen
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
        self.rows: dict[int, _Row] = {}  # by slot
        self.looking = Looking(n_slots, model.model.device)

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
        self.looking.put(slot, start.cache)
        return slot

    def put(self, slot: int, token: int) -> None:
        """Let another token than the chosen one come next."""
        self.rows[slot].token = token

    def leave(self, slot: int) -> None:
        """Free a slot."""
        del self.rows[slot]
        self.looking.clear(slot)

    def step(self) -> dict[int, Chosen]:
        """Add one token to every answer."""
        return _step(self.model, self.rows, self.looking)


def _step(model: LoadedModel, rows: dict[int, _Row], looking: Looking) -> dict[int, Chosen]:
    """Add one token to every row; free slots repeat one of them and are thrown away."""
    any_row = next(iter(rows.values()))
    slots = [rows.get(slot, any_row) for slot in range(len(looking.slots))]
    ids = torch.tensor([[row.token] for row in slots], device=any_row.position.device)
    side_by_side = _SideBySide(rows, slots)
    with recording(dict.fromkeys(model.attention.values(), side_by_side) | looking.recorders(model), NAME):
        states = model.text(
            inputs_embeds=model.model.get_input_embeddings()(ids),
            position_ids=torch.cat([row.position for row in slots], dim=-2),
            past_key_values=side_by_side,
            use_cache=True,
            **looking.arguments,
        ).last_hidden_state
    side_by_side.hand_back()
    said = as_chosen(chosen(model.head(states[:, -1])))
    for slot, row in rows.items():
        row.token = said[slot].token
        row.position = row.position + 1
    return {slot: said[slot] for slot in rows}


class _SideBySide(Cache):
    """What the model takes for one cache of a batch: each row's states go to the row's own cache."""

    def __init__(self, rows: dict[int, _Row], slots: list[_Row]) -> None:
        states = [carried(row.cache) for row in slots]
        joined = {layer: torch.cat([row[layer] for row in states]) for layer in states[0]}
        super().__init__(layers=blank_cache(len(slots[0].cache.layers), joined).layers)
        self.rows = rows
        self.updated: dict[int, Any] = {}  # each row's own layer, of the layer that was last updated

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_args: Any, **_options: Any
    ) -> tuple[Tensor, Tensor]:
        """Add one token to each row's cache."""
        self.updated = {slot: row.cache.layers[layer_idx] for slot, row in self.rows.items()}
        for slot, layer in self.updated.items():
            layer.update(key_states[slot : slot + 1], value_states[slot : slot + 1])
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Count the positions of the row that holds most; a layer that looks at pictures asks whether there are any."""
        return max(row.cache.get_seq_length(layer_idx) for row in self.rows.values())

    def hand_back(self) -> None:
        """Give each row what its convolutions carry on; they change their states in place."""
        for layer, joined in carried(self).items():
            for slot, row in self.rows.items():
                carried(row.cache)[layer].copy_(joined[slot : slot + 1])


def _rows_attention(
    module: nn.Module, query: Tensor, _key: Tensor, _value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Let each row attend to its own cache. Shapes: query (rows, H, 1, D)."""
    assert attention_mask is None
    recorder: _SideBySide | Looking = module.__dict__["leanvlm_recorder"]
    if isinstance(recorder, Looking):
        return recorder.attend(module, query, **options)
    found = {}
    for slot, layer in recorder.updated.items():
        seen = layer.seen() if isinstance(layer, KeptLayer) else None
        found[slot], _ = newest_attention(query[slot : slot + 1], layer.keys, layer.values, seen, **options)
    any_row = next(iter(found.values()))
    return torch.cat([found.get(slot, any_row) for slot in range(len(query))]), None


AttentionInterface.register(NAME, _rows_attention)
AttentionMaskInterface.register(NAME, sees_all)
