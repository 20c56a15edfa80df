"""Decode jointly: one attention call a layer for all rows, the way of CUDA, where each operation costs its launch.

Rows of different lengths lie in one cache, padded on the right and masked (joint_cache.py). The mask adds 0 or -inf in
the model's dtype; a boolean one would be turned into that in every layer. A step changes tensors in place and reads
nothing back from the device but the tokens, so that it can be launched as one (launch.py).

An answer's rounding depends on the number of rows and of columns, which depend on free memory and on its company:
`controls/rebatched` measures what that changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from leanvlm.engine.attention.newest import newest_attention, sees_all
from leanvlm.engine.attention.recording import recording
from leanvlm.engine.decode.joint_cache import Held, JointCache, n_positions
from leanvlm.engine.decode.launch import Replayed, is_capturable
from leanvlm.engine.decode.looking import Looking
from leanvlm.engine.decode.memory import available_bytes, cache_bytes, has_room, rows_that_fit
from leanvlm.engine.decode.steps import Chosen, DecodeStart, as_chosen, chosen
from leanvlm.models._model import LoadedModel

NAME = "leanvlm_joint"


class JointRows:
    """Answers side by side in one cache; the first, or one that is far longer, says how many fit, up to `n_slots`."""

    def __init__(self, model: LoadedModel, n_slots: int) -> None:
        self.model, self.n_slots, self.most = model, n_slots, n_slots
        self.is_capturable = is_capturable(model)
        self.batch: _Batch | None = None
        self.run: Callable[[], Tensor] | None = None  # a step, for as long as the cache stays where it is
        self.longest: dict[int, int] = {}  # positions of each answer's longest layer, by slot
        self.largest = 0  # bytes of a cache that was taken

    def has_room(self) -> bool:
        """Tell whether another prompt can be read beside the rows that are held; the first is always tried."""
        return not self.longest or has_room(self.largest, self.model.model.device)

    def fits(self, start: DecodeStart) -> bool:
        """Tell whether the cache can be made long enough for an answer; if not, one of fewer rows comes after it."""
        return not self.longest or self._grows_to(n_positions(start.cache) + 1)

    def _grows_to(self, n_columns: int) -> bool:
        assert self.batch is not None
        return self.batch.cache.growth_bytes(n_columns) < available_bytes(self.model.model.device)

    def take(self, start: DecodeStart, token: int) -> int:
        """Copy an answer's cache into a free slot."""
        self.largest = max(self.largest, cache_bytes(start.cache))
        if self.batch is not None and not self._grows_to(n_positions(start.cache) + 1):
            self.batch = self.run = None
        if self.batch is None:
            self.n_slots = rows_that_fit(self.largest, self.model.model.device, most=self.most)
            self.batch = _Batch(self.model, start, self.n_slots)
        slot = min(set(range(self.n_slots)) - set(self.longest))
        self.longest[slot] = n_positions(start.cache)
        self._reserve(self.batch)
        self.batch.fill(slot, start, token)
        return slot

    def put(self, slot: int, token: int) -> None:
        """Let another token than the chosen one come next."""
        assert self.batch is not None
        self.batch.ids[slot] = token

    def leave(self, slot: int) -> None:
        """Free a slot."""
        assert self.batch is not None
        del self.longest[slot]
        self.batch.clear(slot)

    def step(self) -> dict[int, Chosen]:
        """Add one token to every answer."""
        assert self.batch is not None
        self._reserve(self.batch)
        self.run = self.run or (Replayed(self.batch.step) if self.is_capturable else self.batch.step)
        said = as_chosen(self.run())
        self.batch.cache.settle()
        self.longest = {slot: n + 1 for slot, n in self.longest.items()}
        return {slot: said[slot] for slot in self.longest}

    def _reserve(self, batch: _Batch) -> None:
        """Make room for the next token of every answer."""
        if batch.cache.reserve(max(self.longest.values()) + 1):
            self.run = None


class _Batch:
    """What a step reads and changes in place. Shapes: ids and is_filled (rows, 1), positions (..., rows, 1)."""

    def __init__(self, model: LoadedModel, like: DecodeStart, n_slots: int) -> None:
        self.model = model
        self.cache = JointCache(like.cache, n_slots)
        self.positions = like.position.new_zeros(*like.position.shape[:-2], n_slots, 1)
        self.ids, self.is_filled = self.positions.new_zeros(2, n_slots, 1).unbind()

    def fill(self, slot: int, start: DecodeStart, token: int) -> None:
        """Let an answer begin."""
        self.cache.write(slot, start.cache)
        self.positions[..., slot, :] = start.position[..., 0, :]
        self.ids[slot], self.is_filled[slot] = token, 1

    def clear(self, slot: int) -> None:
        """Let an answer end; the row goes on, since their number is fixed, and stands still."""
        self.cache.clear(slot)
        self.positions[..., slot, :] = 0
        self.is_filled[slot] = 0

    def step(self) -> Tensor:
        """Add one token to every row and return what was chosen. Shapes: -> (rows, 2)."""
        model = self.model
        self.cache.open()
        held: dict[nn.Module, Any] = {module: self.cache.held[layer] for layer, module in model.attention.items()}
        looking = self.cache.looking
        with recording(held | looking.recorders(model), NAME):
            states = model.text(
                inputs_embeds=model.model.get_input_embeddings()(self.ids),
                position_ids=self.positions,
                past_key_values=self.cache,
                use_cache=True,
                **looking.arguments,
            ).last_hidden_state
        said = chosen(model.head(states[:, -1]))
        self.ids.copy_(said[:, :1])
        self.positions.add_(self.is_filled)
        self.cache.advance(self.is_filled[:, 0])
        return said


def _joint_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Let each row attend to what it holds. Shapes: query (rows, H, 1, D), key and value (rows, G, S, D)."""
    assert attention_mask is None
    recorder: Held | Looking = module.__dict__["leanvlm_recorder"]
    if isinstance(recorder, Looking):
        return recorder.attend(module, query, **options)
    return newest_attention(query, key, value, recorder.mask, **options)


AttentionInterface.register(NAME, _joint_attention)
AttentionMaskInterface.register(NAME, sees_all)
