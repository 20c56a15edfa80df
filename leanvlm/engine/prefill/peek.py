"""Ask a decoder layer what it would attend to: its own norm, projections and rotation run, and nothing after them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from leanvlm.engine.attention.recording import AttentionCall, Recorder, recording

NAME = "leanvlm_peek"


class _Asked(Exception):
    """The layer has said it."""


def _record_and_stop(
    module: nn.Module, query: Tensor, key: Tensor, _value: Tensor, mask: Tensor | None, **options: Any
) -> None:
    recorder: Recorder = module.__dict__["leanvlm_recorder"]
    scaling = options.get("scaling")
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    recorder.record(AttentionCall(query, key, scaling, mask, None))
    raise _Asked


AttentionInterface.register(NAME, _record_and_stop)
AttentionMaskInterface.register(NAME, sdpa_mask)


def peek(layer: Any, attention: nn.Module, recorder: Recorder, states: Tensor, told: dict[str, Any]) -> None:
    """Let a recorder have the attention call that a layer would make; its hooks do not run, its cache stays empty.

    Takes: attention, the layer's module that attends; states (1, T, C) and told, what would enter the layer.
    """
    with recording({attention: recorder}, NAME), suppress(_Asked):
        layer.forward(states, **{**told, "past_key_values": None})
