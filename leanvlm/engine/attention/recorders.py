"""What recorders keep of one attention call: the last rows, columns' sums, what each patch of a tower receives."""

from __future__ import annotations

import torch
from torch import Tensor

from leanvlm.engine.attention.recording import AttentionCall
from leanvlm.methods._signals import Wanted
from leanvlm.methods._tokens import EncoderSignal

BLOCK = 64  # rows of attention computed at a time; small blocks stay in a CPU's cache


class DecoderRecorder:
    """Keep of one decoder layer what the methods want: the prompt's last queries, and the columns' sums."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self.wants_lse = wanted, wanted.sums
        self.queries: Tensor | None = None  # (B, H, rows, D)
        self.keys: Tensor | None = None
        self.sums: Tensor | None = None  # (B, G, T)
        self.hidden: Tensor | None = None  # (B, 1, rows, T)
        self.scaling = 1.0

    def record(self, call: AttentionCall) -> None:
        """Keep copies: a slice would keep the whole tensor alive."""
        rows = max(1, self.wanted.rows)
        self.queries, self.keys, self.scaling = call.query[:, :, -rows:].clone(), call.key, call.scaling
        if call.mask is not None:
            self.hidden = _hidden_by(call.mask[:, :, -rows:])
        if self.wanted.sums:
            self.sums = column_sums(call)


def column_sums(call: AttentionCall) -> Tensor:
    """Sum the softmax attention that each key receives over all rows, block by block, as a mean over grouped heads.

    Shapes: -> (B, G, T), float32.
    """
    batch, groups, tokens, _ = call.key.shape
    heads = call.query.shape[1] // groups
    keys = call.key.float().transpose(-1, -2)  # (B, G, D, T)
    sums = torch.zeros(batch, groups, tokens, device=keys.device)
    for start in range(0, tokens, BLOCK):
        end = min(start + BLOCK, tokens)
        visible = end if call.mask is None else tokens  # later keys get nothing
        queries = call.query[:, :, start:end].float().unflatten(1, (groups, heads)) * call.scaling  # type: ignore[no-untyped-call]
        logits = (queries.flatten(2, 3) @ keys[..., :visible]).view(batch, groups, heads, end - start, visible)
        if call.lse is not None:
            part = (logits - call.lse[:, :, start:end].view(batch, groups, heads, -1, 1)).exp_()
            part[..., start:].tril_()
        else:
            part = logits.masked_fill(hidden_from(call, start, end, visible), float("-inf")).softmax(-1).nan_to_num()
        sums[..., :visible] += part.sum((2, 3))
    return sums / heads


def hidden_from(call: AttentionCall, start: int, end: int, visible: int) -> Tensor:
    """Mark what the rows of one block do not see.

    Shapes: -> (..., rows, keys), True = hidden.
    """
    if call.mask is None:
        index = torch.arange(visible, device=call.key.device)
        return index > index[start:end, None]
    return _hidden_by(call.mask[:, :, None, start:end])


def _hidden_by(mask: Tensor) -> Tensor:
    return ~mask if mask.dtype == torch.bool else mask < 0


class EncoderRecorder:
    """Keep, per patch of the vision tower, the attention it receives and its key.

    A tower with class tokens is asked what the first of them attends to, another for the mean over all rows. Padding,
    which a mask hides from itself, receives nothing and has no say.
    """

    wants_lse = False

    def __init__(self, signal: EncoderSignal, class_tokens: int) -> None:
        self.signal, self.class_tokens = signal, class_tokens
        self._attention: list[Tensor] = []
        self._keys: list[Tensor] = []

    def record(self, call: AttentionCall) -> None:
        """Keep one call: all tiles of a picture, or one picture."""
        query, key, scaling = call.query.float(), call.key.float(), call.scaling
        if self.signal.as_one_head:
            query, key = (states.transpose(1, 2).flatten(2)[:, None] for states in (query, key))
            scaling = key.shape[-1] ** -0.5
        rows = query[:, :, :1] if self.class_tokens else query
        nothing = torch.zeros((), dtype=torch.bool, device=key.device)
        hidden = nothing.expand(len(key), 1, *2 * key.shape[2:3]) if call.mask is None else _hidden_by(call.mask)
        is_patch = ~hidden.diagonal(dim1=-2, dim2=-1)  # (tiles, 1, N)
        votes = is_patch[:, :, : rows.shape[2], None]  # (tiles, 1, rows, 1)
        total = torch.zeros(key.shape[:3], device=key.device)  # (tiles, H, N)
        for start in range(0, rows.shape[2], BLOCK):
            logits = rows[:, :, start : start + BLOCK] @ key.transpose(-1, -2) * scaling
            attention = logits.masked_fill(hidden[:, :, start : start + logits.shape[2]], float("-inf")).softmax(-1)
            total += (attention * votes[:, :, start : start + BLOCK]).sum(2)
        received = total.mean(1) / votes.sum((1, 2))
        self._attention.append(received[:, self.class_tokens :].flatten())
        self._keys.append(key.mean(1)[:, self.class_tokens :].flatten(0, 1))

    @property
    def attention(self) -> Tensor:
        """Return the attention received, in the tower's order of patches.

        Shapes: -> (patches, 1).
        """
        return torch.cat(self._attention)[:, None]

    @property
    def keys(self) -> Tensor:
        """Return the keys.

        Shapes: -> (patches, D).
        """
        return torch.cat(self._keys)
