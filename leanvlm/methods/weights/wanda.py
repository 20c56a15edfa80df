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

from torch import Tensor

from leanvlm.methods.weights._allocation import lowest_by_row, per_linear
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._pruning import InputAwareMethod, prune


@dataclass(frozen=True, kw_only=True)
class Method(InputAwareMethod):
    """Prune each output row to the share kept, or each four neighbouring weights of a row to two."""

    def compress(self, decoder: Decoder) -> None:
        """Prune layer after layer."""
        prune_by_scores(decoder, lambda _, scores: self.is_pruned(scores), tokens=self.tokens)


def prune_by_scores(decoder: Decoder, is_pruned: Callable[[str, Tensor], Tensor], *, tokens: str) -> None:
    """Score layer after layer, and zero what `is_pruned` marks, given a linear layer's name and its scores.

    Shapes: scores and marks (outputs, inputs).
    """
    for block in decoder.rewrite():
        norms = block.input_norms(tokens=tokens)
        for name, linear in block.linears.items():
            prune(linear, is_pruned(name, scores(linear.weight, norms[name])))


def prune_unevenly(decoder: Decoder, kept: Sequence[int], *, tokens: str) -> None:
    """Prune to a count of weights kept per decoder layer; its rows share it evenly, up to one weight."""
    counts = per_linear(decoder.model, kept)
    prune_by_scores(decoder, lambda name, marks: lowest_by_row(marks, marks.numel() - counts[name]), tokens=tokens)


def scores(weight: Tensor, norms: Tensor) -> Tensor:
    """Multiply each weight's magnitude by the norm of its input.

    Shapes: (outputs, inputs), (inputs,) -> (outputs, inputs).
    """
    return weight.float().abs() * norms
