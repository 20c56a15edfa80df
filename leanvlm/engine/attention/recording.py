"""Record attention without paying for it: the main path stays SDPA, a recorder keeps what was asked for.

transformers calls one registered function for every attention of a model; ours runs SDPA and hands queries and keys to
the module's recorder, if it has one. No L x L matrix is ever made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from leanvlm.engine.attention.by_heads import attend_by_heads, goes_by_heads

NAME = "leanvlm_sdpa"  # transformers matches substrings: never "flash" or "flex" in this name


@dataclass(frozen=True)
class AttentionCall:
    """One attention call.

    Shapes: query (B, H, T, D), key (B, G, T, D), both after rotation; mask (B, 1, T, T), None for plain causal
    attention; lse (B, H, T), each row's log-sum-exp, if the recorder wanted it and the kernel gives it.
    """

    query: Tensor
    key: Tensor
    scaling: float
    mask: Tensor | None
    lse: Tensor | None


class Recorder(Protocol):
    """What may be attached to an attention module."""

    wants_lse: bool

    def record(self, call: AttentionCall) -> None:
        """Keep what is needed of one attention call."""
        ...


def recording_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Attend with SDPA, or head by head where that is faster, and hand the call to the module's recorder."""
    recorder: Recorder | None = module.__dict__.get("leanvlm_recorder")
    if recorder is None:
        return _attend(module, query, key, value, attention_mask, **options)
    scaling = options.get("scaling")
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    lse = None
    if recorder.wants_lse and attention_mask is None and query.device.type == "cpu":
        states, lse = _attend_with_lse(query, key, value, scaling)
        output = states.transpose(1, 2).contiguous()
    else:
        output, _ = _attend(module, query, key, value, attention_mask, **options)
    recorder.record(AttentionCall(query, key, scaling, attention_mask, lse))
    return output, None


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    if goes_by_heads(module, query, attention_mask, options.get("is_causal")):
        return attend_by_heads(query, key, value, **options)
    return plain_attention(module, query, key, value, attention_mask, **options)


def plain_attention(module: nn.Module, *states: Tensor | None, **options: Any) -> tuple[Tensor, None]:
    """Attend with transformers' own SDPA function."""
    output: tuple[Tensor, None] = sdpa_attention_forward(module, *states, **options)  # type: ignore[arg-type]
    return output


def _attend_with_lse(query: Tensor, key: Tensor, value: Tensor, scaling: float) -> tuple[Tensor, Tensor]:
    """Call the kernel that SDPA calls on a CPU, which has each row's log-sum-exp at hand."""
    heads = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(heads, 1), value.repeat_interleave(heads, 1)
    kernel: Any = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    states, lse = kernel(query, key, value, 0.0, True, scale=scaling)
    return states, lse


AttentionInterface.register(NAME, recording_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)  # an unregistered name would silently get no mask


@contextmanager
def recording(recorders: dict[nn.Module, Any], name: str = NAME) -> Iterator[None]:
    """Put recorders on attention modules for the length of a `with`; then all is as before, other recorders too.

    Takes: name, the registered attention function that knows what to do with them.
    """
    configs: list[Any] = list({id(module.config): module.config for module in recorders}.values())
    before = [config._attn_implementation_internal for config in configs]
    outer = {module: module.__dict__.get("leanvlm_recorder") for module in recorders}
    try:
        for module, recorder in recorders.items():
            module.__dict__["leanvlm_recorder"] = recorder
        for config in configs:
            config._attn_implementation_internal = name
        yield
    finally:
        for config, implementation in zip(configs, before, strict=True):
            config._attn_implementation_internal = implementation
        for module, recorder in outer.items():
            module.__dict__.pop("leanvlm_recorder", None)
            if recorder is not None:
                module.__dict__["leanvlm_recorder"] = recorder
