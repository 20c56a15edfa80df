"""Which norms and linear layers feed which linear layers of a decoder layer, and may take a scale off them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from leanvlm.errors import InputError, RunError
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._layers import decoder_layers

ROUNDING = {torch.float32: 1e-3, torch.bfloat16: 5e-2}  # of the largest output: what scaling there and back may move
Pairs = dict[str, list[str]]


def norm_pairs(layer: nn.Module, method: str) -> Pairs:
    """Map a decoder layer's norms to the linear layers that they feed.

    Takes: method, whose id a refusal names.

    Raises: InputError for a layer without attention.
    """
    names = dict(layer.named_modules())
    if "self_attn.v_proj" not in names:
        raise InputError(f"{method} scales what feeds the layers of attention, and this decoder has layers without; "
                         "use weights/gptq or weights/rtn")  # fmt: skip
    norm = "pre_feedforward_layernorm" if "pre_feedforward_layernorm" in names else "post_attention_layernorm"
    return {
        "input_layernorm": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
        norm: ["mlp.gate_proj", "mlp.up_proj"],
    }


def pairs(layer: nn.Module, method: str) -> Pairs:
    """Map all that may be scaled down to the linear layers that it feeds, in order of execution; see `norm_pairs`."""
    (attention, mlp), names = norm_pairs(layer, method).items(), dict(layer.named_modules())
    value: Any = names["self_attn.v_proj"]
    output: Any = names["self_attn.o_proj"]
    has_own = value.out_features == output.in_features
    within = [("self_attn.v_proj", ["self_attn.o_proj"])] if has_own else []
    return dict([attention, *within, mlp, ("mlp.up_proj", ["mlp.down_proj"])])


def scaled_down(model: nn.Module, of: Callable[[nn.Module], Iterable[str]]) -> frozenset[str]:
    """Name what is scaled down, besides the weights of linear layers: norms, and biases of linear layers.

    Takes: of, what names the modules of a decoder layer that are.
    """
    known = dict(model.named_parameters())
    feeding = [
        f"{name}.{smooth}.{kind}"
        for name, layer in decoder_layers(model).items()
        for smooth in of(layer)
        for kind in ("weight", "bias")
    ]
    return frozenset(name for name in feeding if name in known and not name.endswith("_proj.weight"))


def require_same(block: Block, before: Tensor) -> None:
    """Stop the run where a layer that was scaled but not rounded computes something else.

    Takes: before, what the layer gave for the first sample.

    Raises: RunError.
    """
    moved, most = (block.output(0) - before).abs().max(), before.abs().max()
    if not moved <= ROUNDING.get(before.dtype, 1e-3) * most:  # also stops at NaN
        wider = "" if before.dtype == torch.float32 else ": set compress.dtype to float32"
        raise RunError(
            f"scaled but not rounded, {block.name} gives what moved by {moved:.2g}; nothing is kept of it{wider}"
        )
