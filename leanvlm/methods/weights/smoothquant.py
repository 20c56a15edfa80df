"""SmoothQuant: before weights and inputs are rounded, move the inputs' outliers into the weights.

Source:  Xiao et al. 2023, arXiv 2211.10438, section 4: a column's scale is max|input|^alpha / max|weight|^(1 - alpha).
Code:    github.com/mit-han-lab/smoothquant @ c61476d, smoothquant/smooth.py (read, not copied).
Departs: weights have a scale per row and inputs one per token, as in the authors' finest setting but one. The largest
         of each is 127.5 steps, as in compressed-tensors, where the authors make it 127. A column whose inputs or
         weights are all zeros is not scaled; the authors take 0.00001 for its scale, or for its weights. `alpha` 0.5 is
         the paper's for most models; the authors take 0.8 to 0.85 for Llama and Mistral. A norm that was scaled is
         rounded to the 16 bits that it is stored in. Calibrated on questions with pictures, not text from the Pile.
Checked: tests/methods/test_smoothquant.py: scales worked by hand, and at alpha 0.5 what enters is as large as the
         weights that it meets, column by column; scaled but not rounded, the model computes what it did. Beside the
         code @ 43ded6c: the same scales, norms and weights in 300 of 300 draws, but for columns without inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from leanvlm.methods._method import option
from leanvlm.methods.weights import _scaling
from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._formats import W8A8, Format, either
from leanvlm.methods.weights._pairs import norm_pairs, require_same, scaled_down
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._rounding import round_block


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Store eight bits a weight and a scale a row, and round what enters token by token."""

    formats: ClassVar[dict[str, Format]] = W8A8
    settings: ClassVar[str] = either(formats)
    keeps_zeros: ClassVar[bool] = True
    rescales: ClassVar[bool] = True
    alpha: float = option(0.5, least=0, most=1)  # how much of the inputs' range moves into the weights

    def changes(self, model: nn.Module) -> frozenset[str]:
        """Name the norms that are scaled down."""
        return scaled_down(model, lambda layer: norm_pairs(layer, self.id))

    @torch.no_grad()
    def compress(self, decoder: Decoder) -> None:
        """Measure inputs on the model as it is; then scale, prove that this changed nothing, and round."""
        found = [self._scales(block) for block in decoder.look()]
        for block in decoder.rewrite(listens=False):
            before = block.output(0)
            for norm, scales in found[block.index].items():
                _scaling.scale(block.layer.get_submodule(norm), self._fed(block, norm), scales)
            require_same(block, before)
            round_block(block, self.format)

    def _scales(self, block: Block) -> dict[str, Tensor]:
        most, pairs = block.input_maxima(), norm_pairs(block.layer, self.id)
        return {
            norm: smooth(most[f"{block.name}.{fed[0]}"], self._fed(block, norm), self.alpha)
            for norm, fed in pairs.items()
        }

    def _fed(self, block: Block, norm: str) -> list[Any]:
        return [block.layer.get_submodule(name) for name in norm_pairs(block.layer, self.id)[norm]]


def smooth(most: Tensor, linears: Sequence[nn.Linear], alpha: float) -> Tensor:
    """Choose by how much columns of weights grow, and their inputs shrink.

    Shapes: most (inputs,), the largest magnitude that enters each column -> (inputs,).
    """
    weights = torch.stack([linear.weight.float().abs().amax(0) for linear in linears]).amax(0)  # (inputs,)
    found = most.pow(alpha) / weights.pow(1 - alpha)
    return torch.where((most > 0) & (weights > 0), found, 1)
