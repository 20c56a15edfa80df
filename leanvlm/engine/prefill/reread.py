"""Let the model read its pictures a second time, behind the first, and keep what each key receives then at most.

The question is not there: it stands behind the pictures, and neither reading gets so far. What enters the decoder is
read from its beginning to the last picture's end, and from the first picture's beginning to that end again, in one pass
without a cache, at the positions that follow.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from leanvlm.engine.attention.recorders import BLOCK, hidden_from
from leanvlm.engine.attention.recording import AttentionCall, recording
from leanvlm.engine.prefill.adding import adding
from leanvlm.engine.prompt import Prompt
from leanvlm.methods._signals import context
from leanvlm.models._model import LoadedModel


class RepeatRecorder:
    """Keep of one layer the most attention that each key before `end` receives from the rows behind it."""

    wants_lse = False

    def __init__(self, end: int) -> None:
        self.end = end
        self.most: Tensor | None = None  # (B, G, end), float32

    def record(self, call: AttentionCall) -> None:
        """Go through the repeated rows block by block; heads that share a key head are taken together."""
        batch, groups, tokens, _ = call.key.shape
        keys = call.key.float().transpose(-1, -2)
        most = keys.new_zeros(batch, groups, self.end)
        for start in range(self.end, tokens, BLOCK):
            stop = min(start + BLOCK, tokens)
            queries = call.query[:, :, start:stop].float().unflatten(1, (groups, -1))  # type: ignore[no-untyped-call]
            logits = (queries.flatten(2, 3) @ keys * call.scaling).view(batch, groups, -1, stop - start, tokens)
            rows = logits.masked_fill(hidden_from(call, start, stop, tokens), float("-inf")).softmax(-1)
            most = torch.maximum(most, rows[..., : self.end].amax((2, 3)))
        self.most = most


def reread(model: LoadedModel, prompt: Prompt) -> list[Tensor]:
    """Return the most attention that each position received, zeros where nothing was repeated behind it.

    Shapes: -> one (1, G, T) per layer that attends, float32.
    """
    first, end = context(prompt.is_visual)
    index = torch.cat([torch.arange(end), torch.arange(first, end)]).to(prompt.embeds.device)
    recorders = {layer: RepeatRecorder(end) for layer in model.attention}
    masks = prompt.masks and {name: _repeated(mask, first, end) for name, mask in prompt.masks.items()}
    with (
        recording({model.attention[layer]: recorder for layer, recorder in recorders.items()}),
        adding(model.text.layers, tuple(rows[index] for rows in prompt.added), None),
    ):
        model.text(
            inputs_embeds=prompt.embeds[:, index],
            attention_mask=masks,
            position_ids=_positions(prompt.positions, first, end),
            use_cache=False,
        )
    n_after = len(prompt.is_visual) - end
    return [pad(recorder.most, (0, n_after)) for recorder in recorders.values() if recorder.most is not None]


def _positions(positions: Tensor, first: int, end: int) -> Tensor:
    """Let the repetition follow, its positions as far from each other as before.

    Shapes: (..., 1, T) -> (..., 1, 2 end - first).
    """
    again = positions[..., first:end]
    shift = positions[..., :end].max() + 1 - again[..., 0].min()
    return torch.cat([positions[..., :end], again + shift], -1)


def _repeated(mask: Tensor | None, first: int, end: int) -> Tensor | None:
    """Let the repetition see all that stands before it, and itself as the prompt sees itself.

    Shapes: (1, 1, T, T), True = visible -> (1, 1, 2 end - first, 2 end - first).
    """
    if mask is None:
        return None
    before, again = mask[..., :end, :end], mask[..., first:end, first:end]
    above = pad(before, (0, end - first), value=False)
    below = torch.cat([torch.ones_like(again[..., :1]).expand(-1, -1, -1, end), again], -1)
    return torch.cat([above, below], -2)
