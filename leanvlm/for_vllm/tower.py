"""Listen to a block of vLLM's vision tower: what its patches attend to, as leanvlm's own engine records it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from leanvlm.engine.attention.recorders import EncoderRecorder
from leanvlm.engine.attention.recording import AttentionCall


@contextmanager
def tiles(attention: Any, recorder: EncoderRecorder) -> Iterator[None]:
    """Record an attention module whose `qkv_proj` makes queries, keys and values side by side, tile by tile."""

    def hook(_module: nn.Module, _args: Any, output: tuple[Tensor, Any]) -> None:
        query, key, _ = (_by_head(states, attention.head_dim) for states in output[0].chunk(3, dim=-1))
        recorder.record(AttentionCall(query, key, attention.scale, None, None))

    handle = attention.qkv_proj.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def pictures(attention: Any, recorder: EncoderRecorder) -> Iterator[None]:
    """Record an attention module whose `attn` gets rotated queries and keys of several pictures, end to end."""

    def hook(_module: nn.Module, _args: Any, given: dict[str, Any]) -> None:
        for start, end in pairwise(given["cu_seqlens"].tolist()):
            query, key = (given[name][:, start:end].transpose(1, 2) for name in ("query", "key"))  # (1, H, N, D)
            recorder.record(AttentionCall(query, key, query.shape[-1] ** -0.5, None, None))

    handle = attention.attn.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _by_head(states: Tensor, width: int) -> Tensor:
    """Shapes: (tiles, N, H x D) -> (tiles, H, N, D)."""
    heads: Tensor = states.unflatten(-1, (-1, width))  # type: ignore[no-untyped-call]
    return heads.transpose(1, 2)
