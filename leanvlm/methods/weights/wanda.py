"""Wanda: zero, in each row, the weights whose magnitude times the norm of their input is smallest.

Source:  Sun et al. 2024, arXiv 2306.11695, section 3: the score and the comparison within each output.
Code:    github.com/locuslab/wanda @ 8e8fc87, lib/prune.py (read, not copied).
Departs: calibrated on questions with pictures instead of text from C4, and visual tokens count like text.
Checked: tests/methods/test_wanda.py: a two-row example worked by hand, a slow reference that runs the
         whole model again for each layer, and llmcompressor's WandaPruningModifier, from which at most two
         weights in 100,000 differ: scores that tie but for the order of their sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.methods._pruning import PruningMethod
from leanvlm.methods._walk import walk
from leanvlm.methods._weights import Samples


@dataclass(frozen=True, kw_only=True)
class Method(PruningMethod):
    """Prune each output row to the share kept, or each four neighbouring weights of a row to two."""

    @torch.no_grad()
    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:  # noqa: ARG002
        """Prune layer after layer."""
        for block in walk(model, calibration):
            norms = block.input_norms()
            for name, linear in block.linears.items():
                scores = linear.weight.abs() * norms[name]  # (outputs, inputs)
                linear.weight.masked_fill_(self.is_pruned(scores), 0)
