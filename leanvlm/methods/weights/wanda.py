"""Wanda: zero, in each row, the weights whose magnitude times the norm of their input is smallest.

Source:  Sun et al. 2024, arXiv 2306.11695, section 3: the score and the comparison within each output.
Code:    github.com/locuslab/wanda @ 8e8fc87, lib/prune.py (read, not copied).
Departs: calibrated on questions with pictures instead of text from C4, and visual tokens count like text.
         What is pruned of a row is a count, rounded down, never a threshold that ties could cross.
Checked: tests/methods/test_wanda.py: a two-row example worked by hand, a slow reference that runs the
         whole model again for each layer, and llmcompressor's WandaPruningModifier, from which at most two
         weights in 100,000 differ: scores that tie but for the order of their sums.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import torch
from torch import Tensor
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.methods._weights import Samples, WeightsMethod, walk


@dataclass(frozen=True, kw_only=True)
class Method(WeightsMethod):
    """Prune each output row to the share kept, or each four neighbouring weights of a row to two."""

    settings: ClassVar[str] = "the share of weights kept, such as 50%, or 2:4"

    def budget(self) -> float:
        """Return the share of weights that stay."""
        return float(self._share())

    @torch.no_grad()
    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:  # noqa: ARG002
        """Prune layer after layer."""
        for block in walk(model, calibration):
            norms = block.input_norms()
            for name, linear in block.linears.items():
                scores = linear.weight.abs() * norms[name]  # (outputs, inputs)
                linear.weight.masked_fill_(self.is_pruned(scores), 0)

    def is_pruned(self, scores: Tensor) -> Tensor:
        """Mark the lowest scores of each comparison group; ties go to the earlier weight.

        Shapes: (outputs, inputs) -> (outputs, inputs), True = to be zeroed.
        """
        size = 4 if self.setting == "2:4" else scores.shape[1]
        n_pruned = int(size * (1 - self._share()))  # of a fraction, so no float just below a whole number
        grouped = scores.reshape(len(scores), -1, size)  # (outputs, groups, size)
        lowest = torch.sort(grouped, dim=-1, stable=True).indices[..., :n_pruned]
        return torch.zeros_like(grouped, dtype=torch.bool).scatter_(-1, lowest, True).reshape(scores.shape)

    def _share(self) -> Fraction:
        if self.setting == "2:4":
            return Fraction(1, 2)
        percent = re.fullmatch(r"(0|[1-9]\d*)(\.\d*[1-9])?%", self.setting)  # one spelling per share
        share = Fraction(self.setting[:-1]) / 100 if percent else Fraction(0)
        if not 0 < share <= 1:
            raise self.refusal()
        return share
