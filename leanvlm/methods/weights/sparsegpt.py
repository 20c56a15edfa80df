"""SparseGPT: prune column by column, and let the columns that follow make good the error.

Source:  Frantar and Alistarh 2023, arXiv 2301.00774, sections 3 and 4.
Code:    llmcompressor 0.14.0.1, sparsify_weight (called); the authors' is github.com/IST-DASLab/sparsegpt @ 147d215.
Departs: weights are compared within blocks of 128 columns of a linear layer, and what goes lies at or below a
         threshold, as in the authors' code: one weight a block more than the count. Damping is 0.01 of the mean
         diagonal. Weights that made good are rounded to the 16 bits that they are stored in. What enters a decoder
         layer comes from those before it as pruned, and within a layer from its linear layers as they were, where
         EffiVLM-Bench calibrates all on the untouched model. Calibrated on questions with pictures, not text from C4.
Checked: tests/methods/test_sparsegpt.py: five matrices worked by hand, a slow reference over a whole layer, and on
         inputs that calibration did not see, each layer errs less than Wanda's, and Wanda's less than magnitude's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from leanvlm.errors import RunError
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._pruning import PruningMethod
from leanvlm.methods.weights._rounding import COLUMNS, DAMPING
from leanvlm.processes.quiet import quiet


@dataclass(frozen=True, kw_only=True)
class Method(PruningMethod):
    """Prune each linear layer to the share kept, or each four neighbouring weights of a row to two."""

    fills_zeros: ClassVar[bool] = True

    def compress(self, decoder: Decoder) -> None:
        """Prune layer after layer; nothing at 100%, where the threshold would still take a weight a block."""
        prune_to(decoder, float(1 - self.share()), pattern=(2, 4) if self.is_semi_structured else (0, 0))


def prune_to(decoder: Decoder, gone: float | Mapping[str, float], *, pattern: tuple[int, int] = (0, 0)) -> None:
    """Prune layer after layer; `gone` is the share that goes, of every linear layer or of each by its name."""
    for block in decoder.rewrite(listens=gone != 0):
        hessians = block.hessians() if gone else {}
        for name in hessians:
            share = gone if isinstance(gone, float) else gone[name]
            _prune(name, block.linears[name], hessians[name].clone(), share, pattern)


@torch.no_grad()
def _prune(name: str, linear: nn.Linear, hessian: Tensor, gone: float, pattern: tuple[int, int]) -> None:
    """Let llmcompressor prune a linear layer; where a Hessian has no inverse it would go on, by magnitude."""
    with quiet():
        from llmcompressor.modifiers.pruning.sparsegpt.sgpt_sparsify import sparsify_weight

    damped = hessian + DAMPING * hessian.diagonal().mean() * torch.eye(len(hessian), device=hessian.device)
    if bool(torch.linalg.cholesky_ex(damped).info):
        raise RunError(f"the Hessian of {name} has no inverse, so SparseGPT cannot prune it; nothing is kept of this "
                       "checkpoint: raise calibration.n")  # fmt: skip
    _, pruned = sparsify_weight(linear, {linear: hessian}, gone, *pattern, COLUMNS, DAMPING, False)
    linear.weight.copy_(pruned)
