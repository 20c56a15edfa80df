"""Wanda: zero, in each row, the weights whose magnitude times the norm of their input is smallest.

Source:  Sun et al. 2024, arXiv 2306.11695, section 3: the score and the comparison within each output.
Code:    github.com/locuslab/wanda @ 8e8fc87, lib/prune.py (read, not copied).
Departs: calibrated on questions with pictures instead of text from C4. Visual tokens count like text, as in
         EffiVLM-Bench; `tokens=text` leaves them out of the norms.
Checked: tests/methods/test_wanda.py: a two-row example worked by hand, a slow reference that runs the
         whole model again for each layer, and llmcompressor's WandaPruningModifier, from which at most two
         weights in 100,000 differ: scores that tie but for the order of their sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.methods.weights._allocation import lowest_by_row, per_linear
from leanvlm.methods.weights._pruning import InputAwareMethod
from leanvlm.methods.weights._walk import walk
from leanvlm.methods.weights._weights import Samples


@dataclass(frozen=True, kw_only=True)
class Method(InputAwareMethod):
    """Prune each output row to the share kept, or each four neighbouring weights of a row to two."""

    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:  # noqa: ARG002
        """Prune layer after layer."""
        self.refuse_widths(model)
        prune(model, calibration, lambda _, scores: self.is_pruned(scores), tokens=self.tokens)


@torch.no_grad()
def prune(
    model: PreTrainedModel, calibration: Samples, is_pruned: Callable[[str, Tensor], Tensor], *, tokens: str
) -> None:
    """Score layer after layer, and zero what `is_pruned` marks, given a linear layer's name and its scores.

    Shapes: scores and marks (outputs, inputs).
    """
    for block in walk(model, calibration):
        norms = block.input_norms(tokens=tokens)
        for name, linear in block.linears.items():
            linear.weight.masked_fill_(is_pruned(name, scores(linear.weight, norms[name])), 0)


def prune_unevenly(model: PreTrainedModel, calibration: Samples, kept: Sequence[int], *, tokens: str) -> None:
    """Prune to a count of weights kept per decoder layer; its rows share it evenly, up to one weight."""
    counts = per_linear(model, kept)
    prune(
        model,
        calibration,
        lambda name, scores: lowest_by_row(scores, scores.numel() - counts[name]),
        tokens=tokens,
    )


def scores(weight: Tensor, norms: Tensor) -> Tensor:
    """Multiply each weight's magnitude by the norm of its input.

    Shapes: (outputs, inputs), (inputs,) -> (outputs, inputs).
    """
    return weight.abs() * norms
