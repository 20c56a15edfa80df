"""Listen to a block of vLLM's vision tower: what its patches attend to, as leanvlm's own engine records it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from leanvlm.engine.attention import AttentionCall
from leanvlm.engine.recorders import EncoderRecorder


@contextmanager
def listening(attention: Any, recorder: EncoderRecorder) -> Iterator[None]:
    """Record an attention module whose `qkv_proj` makes queries, keys and values side by side, all heads of them."""

    def hook(_module: nn.Module, _args: Any, output: tuple[Tensor, Any]) -> None:
        query, key, _ = (_by_head(states, attention.head_dim) for states in output[0].chunk(3, dim=-1))
        recorder.record(AttentionCall(query, key, attention.scale, None, None))

    handle = attention.qkv_proj.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _by_head(states: Tensor, width: int) -> Tensor:
    """Shapes: (tiles, N, H x D) -> (tiles, H, N, D)."""
    heads: Tensor = states.unflatten(-1, (-1, width))  # type: ignore[no-untyped-call]
    return heads.transpose(1, 2)
