"""AWQ: before rounding to nearest, scale up the inputs' columns that matter, and scale down what feeds them.

Source:  Lin et al. 2024, arXiv 2306.00978, section 3: the scale of a column, searched per group of layers.
Code:    github.com/mit-han-lab/llm-awq @ d6e797a, awq/quantize/auto_scale.py, and llmcompressor 0.14.0.1, AWQModifier
         (read, not copied).
Departs: integers are symmetric, as fast kernels want them; the authors' are not. A scale weighs the columns' inputs
         against their weights, as AutoAWQ and EffiVLM-Bench do; `weights=false` takes inputs alone, as the paper
         does. The exponents are llmcompressor's, 0 and 1 included: for inputs alone i / (grid - 1) for each i below
         grid, with weights i / (grid - 2) for each i below grid - 1 and no scaling at all; the authors' are i / 20 for
         each i below 20. Weights are not clipped. A norm that was scaled is rounded to the 16 bits that it is stored
         in. Values are scaled for the layer after attention only where both have the same width: not with fewer
         key-value heads than heads. Calibrated on questions with pictures, not text from the Pile.
Checked: tests/methods/test_awq.py: an example worked by hand and a slow search over a whole layer choose the same
         scales; scaled but not rounded, the model computes what it did, on every architecture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from leanvlm.errors import InputError, RunError
from leanvlm.methods._method import option
from leanvlm.methods.weights import _scaling
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._layers import decoder_layers
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._rounding import round_block

ROUNDING = {torch.float32: 1e-3, torch.bfloat16: 5e-2}  # of the largest output: what scaling there and back may move


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Store four bits a weight and one scale a group of neighbouring weights of a row."""

    fills_zeros: ClassVar[bool] = True
    weights: bool = True  # whether columns with large weights are scaled less
    grid: int = option(20, least=3)  # exponents that are tried per group of layers

    def changes(self, model: nn.Module) -> frozenset[str]:
        """Name what is scaled down: norms, and biases of linear layers."""
        known = dict(model.named_parameters())
        feeding = [
            f"{name}.{smooth}.{kind}"
            for name, layer in decoder_layers(model).items()
            for smooth in pairs(layer)
            for kind in ("weight", "bias")
        ]
        return frozenset(name for name in feeding if name in known and not name.endswith("_proj.weight"))

    @torch.no_grad()
    def compress(self, decoder: Decoder) -> None:
        """Search scales on the model as it is; then scale, prove that this changed nothing, and round."""
        found = [
            {smooth: self.search(block, balanced) for smooth, balanced in pairs(block.layer).items()}
            for block in decoder.look()
        ]
        for block in decoder.rewrite(listens=False):
            before = block.output(0)
            for smooth, balanced in pairs(block.layer).items():
                linears = [block.layer.get_submodule(name) for name in balanced]
                _scaling.scale(block.layer.get_submodule(smooth), linears, found[block.index][smooth])
            require_same(block, before)
            round_block(block, self.format)

    def search(self, block: Block, balanced: list[str]) -> Tensor:
        """Find the scales of linear layers that get the same inputs.

        What rounding costs is measured where their outputs meet: in attention, in the MLP, or in the one layer.

        Shapes: -> (inputs,).
        """
        linears: list[Any] = [block.layer.get_submodule(name) for name in balanced]
        if len(linears) == 1:
            name = f"{block.name}.{balanced[0]}"
            loss = _scaling.loss_of_one(linears[0], block.hessians(name)[name])
        else:
            loss = _scaling.loss_of_some(block, block.layer.get_submodule(balanced[0].rpartition(".")[0]))
        size = mean_size(block, f"{block.name}.{balanced[0]}")
        tried = _scaling.candidates(size, linears, self.format, weights=self.weights, grid=self.grid)
        return _scaling.best(tried, linears, self.format, loss)


def pairs(layer: nn.Module) -> dict[str, list[str]]:
    """Map what is scaled down to the linear layers that it feeds, which are scaled up.

    Raises: InputError for a layer without attention.
    """
    names = dict(layer.named_modules())
    if "self_attn.v_proj" not in names:
        raise InputError("weights/awq scales what feeds the layers of attention, and this decoder has layers without; "
                         "use weights/gptq or weights/rtn")  # fmt: skip
    value: Any = names["self_attn.v_proj"]
    output: Any = names["self_attn.o_proj"]
    found = {"input_layernorm": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]}
    if value.out_features == output.in_features:
        found["self_attn.v_proj"] = ["self_attn.o_proj"]
    norm = "pre_feedforward_layernorm" if "pre_feedforward_layernorm" in names else "post_attention_layernorm"
    return {**found, norm: ["mlp.gate_proj", "mlp.up_proj"], "mlp.up_proj": ["mlp.down_proj"]}


def mean_size(block: Block, name: str) -> Tensor:
    """Average the magnitude of what enters a linear layer, over all tokens of all samples. Shapes: -> (inputs,)."""
    total, count = torch.zeros(block.linears[name].in_features, device=block.linears[name].weight.device), 0

    def add(heard: str, inputs: Tensor) -> None:
        nonlocal count
        if heard == name:
            total.add_(inputs.abs().sum(0))
            count += len(inputs)

    with block.heard(add):
        block.outputs()
    return total / count


def require_same(block: Block, before: Tensor) -> None:
    """Stop the run where a layer that was scaled but not rounded computes something else.

    Raises: RunError.
    """
    moved, most = (block.output(0) - before).abs().max(), before.abs().max()
    if not moved <= ROUNDING.get(before.dtype, 1e-3) * most:  # also stops at NaN
        raise RunError(f"scaled but not rounded, {block.name} gives what moved by {moved:.2g}; nothing is kept of it")
