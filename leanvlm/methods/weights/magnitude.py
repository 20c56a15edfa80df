"""Magnitude pruning: zero the smallest weights of each linear layer, whatever enters it.

Source:  Han et al. 2015, arXiv 1506.02626, section 3, once and without training; the baseline of Wanda's and
         SparseGPT's papers. It looks at no calibration sample.
Code:    github.com/locuslab/wanda @ 8e8fc87, lib/prune.py (read, not copied).
Departs: compared are all weights of one linear layer, as there; what goes is an exact count, where a threshold
         takes one weight more, and all that tie with it.
Checked: tests/methods/test_magnitude.py: a two-row example worked by hand, and PyTorch's own l1_unstructured.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.methods.weights._pruning import PruningMethod, lowest, n_pruned
from leanvlm.methods.weights._weights import Samples, decoder_linears


@dataclass(frozen=True, kw_only=True)
class Method(PruningMethod):
    """Prune each linear layer to the share kept, or each four neighbouring weights of a row to two."""

    @torch.no_grad()
    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:  # noqa: ARG002
        """Prune every layer at once."""
        self.refuse_widths(model)
        for linear in decoder_linears(model).values():
            linear.weight.masked_fill_(self.is_pruned(linear.weight.abs()), 0)

    def is_pruned(self, scores: Tensor) -> Tensor:
        """Mark the lowest scores of the whole layer, or of each four neighbours of a row.

        Shapes: (outputs, inputs) -> (outputs, inputs), True = to be zeroed.
        """
        if self.is_semi_structured:
            return super().is_pruned(scores)
        return lowest(scores.flatten(), n_pruned(scores.numel(), self.share())).view_as(scores)
