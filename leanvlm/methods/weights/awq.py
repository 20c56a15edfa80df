"""AWQ: before rounding to nearest, scale up the inputs' columns that matter, and scale down what feeds them.

Source:  Lin et al. 2024, arXiv 2306.00978, section 3: the scale of a column, searched per group of layers.
Code:    github.com/mit-han-lab/llm-awq @ d6e797a, awq/quantize/{auto_scale,auto_clip}.py, and llmcompressor 0.14.0.1,
         AWQModifier (read, not copied).
Departs: the authors' own setting is w4a16-asym-g128 with `weights=false,clip=true`: they give each group a zero point,
         and cut weights. Without asym integers are symmetric, as fast kernels want them, with steps of 1 / 7.5 of the
         largest, where AutoAWQ has 1 / 7; without `clip` nothing is cut, as in EffiVLM-Bench. With asym zero stays one
         of the values of every group. What is cut is searched over all tokens, not 512, on inputs from the layers
         before as they were rounded. A scale weighs the columns' inputs against their weights, as AutoAWQ and
         EffiVLM-Bench do; `weights=false` takes inputs alone, as the paper does. The exponents are llmcompressor's, 0
         and 1 included: for inputs alone i / (grid - 1) for each i below grid, with weights i / (grid - 2) for each i
         below grid - 1 and no scaling at all; the authors' are i / 20 for each i below 20. A norm that was scaled is
         rounded to the 16 bits that it is stored in. Values are scaled for the layer after attention only where both
         have the same width: not with fewer key-value heads than heads. Calibrated on questions with pictures, not text
         from the Pile.
Checked: tests/methods/test_awq.py: examples worked by hand and a slow search over a whole layer choose the same scales
         and limits; scaled but not rounded, the model computes what it did, on every architecture. Beside the code @
         e65873f and AutoAWQ @ 0222940: the same values of 6,048 groups around zero, limits of 38,400 from up to 1,023
         tokens, and with their exponents the same scales of 400 layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from leanvlm.methods._method import option
from leanvlm.methods.weights import _scaling
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._clipping import clip_block
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._pairs import pairs, require_same, scaled_down
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._rounding import round_block


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Store four bits a weight and one scale a group of neighbouring weights of a row."""

    fills_zeros: ClassVar[bool] = True
    rescales: ClassVar[bool] = True
    weights: bool = True  # whether columns with large weights are scaled less
    grid: int = option(20, least=3)  # exponents that are tried per group of layers
    clip: bool = False  # whether weights are then cut where that makes the others' steps finer, as the authors do

    def changes(self, model: nn.Module) -> frozenset[str]:
        """Name what is scaled down: norms, and biases of linear layers."""
        return scaled_down(model, lambda layer: pairs(layer, self.id))

    @torch.no_grad()
    def compress(self, decoder: Decoder) -> None:
        """Search scales on the model as it is; then scale, prove that this changed nothing, and round."""
        found = [
            {smooth: self.search(block, balanced) for smooth, balanced in pairs(block.layer, self.id).items()}
            for block in decoder.look()
        ]
        for block in decoder.rewrite(listens=self.clip):
            before = block.output(0)
            for smooth, balanced in pairs(block.layer, self.id).items():
                linears = [block.layer.get_submodule(name) for name in balanced]
                _scaling.scale(block.layer.get_submodule(smooth), linears, found[block.index][smooth])
            require_same(block, before)
            if self.clip:
                clip_block(block, self.format)
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
