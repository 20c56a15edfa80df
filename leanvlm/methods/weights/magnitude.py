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

from torch import Tensor

from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._pruning import PruningMethod, lowest, n_pruned, prune


@dataclass(frozen=True, kw_only=True)
class Method(PruningMethod):
    """Prune each linear layer to the share kept, or each four neighbouring weights of a row to two."""

    def compress(self, decoder: Decoder) -> None:
        """Prune layer after layer."""
        for block in decoder.rewrite(listens=False):
            for linear in block.linears.values():
                prune(linear, self.is_pruned(linear.weight.float().abs()))

    def is_pruned(self, scores: Tensor) -> Tensor:
        """Mark the lowest scores of the whole layer, or of each four neighbours of a row.

        Shapes: (outputs, inputs) -> (outputs, inputs), True = to be zeroed.
        """
        if self.is_semi_structured:
            return super().is_pruned(scores)
        return lowest(scores.flatten(), n_pruned(scores.numel(), self.share())).view_as(scores)
