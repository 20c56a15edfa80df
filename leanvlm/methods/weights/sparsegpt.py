"""SparseGPT: prune column by column, and let the columns that follow make good the error.

Source:  Frantar and Alistarh 2023, arXiv 2301.00774, sections 3 and 4.
Code:    llmcompressor 0.14.0.1, SparseGPTModifier (called); the authors' is github.com/IST-DASLab/sparsegpt @ 147d215.
Departs: weights are compared within blocks of 128 columns of a linear layer, and what goes lies at or below a
         threshold, as in the authors' code: one weight a block more than the count. Damping is 0.01 of the mean
         diagonal. Weights that made good are rounded to the 16 bits that they are stored in. What enters a decoder
         layer comes from those before it as pruned, and within a layer from its linear layers as they were, where
         EffiVLM-Bench calibrates all on the untouched model. Calibrated on questions with pictures, not text from C4.
Checked: tests/methods/test_sparsegpt.py: five matrices worked by hand, a slow reference over a whole layer, and on
         inputs that calibration did not see, each layer errs less than Wanda's, and Wanda's less than magnitude's.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.methods.weights._oneshot import TARGETS, oneshot
from leanvlm.methods.weights._pruning import PruningMethod
from leanvlm.methods.weights._weights import Samples


@dataclass(frozen=True, kw_only=True)
class Method(PruningMethod):
    """Prune each linear layer to the share kept, or each four neighbouring weights of a row to two."""

    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:
        """Prune layer after layer; nothing at 100%, where the threshold would still take a weight a block."""
        self.refuse_widths(model)
        if self.share() == 1:
            return

        prune(
            model,
            calibration,
            float(1 - self.share()),
            mask="2:4" if self.is_semi_structured else "0:0",
            processor=processor,
        )


def prune(
    model: PreTrainedModel,
    calibration: Samples,
    gone: float | list[float],
    *,
    mask: str = "0:0",
    processor: ProcessorMixin,
) -> None:
    """Prune layer after layer; `gone` is the share that goes, of all linear layers or of each in order."""

    def modifiers() -> list[object]:
        from llmcompressor.modifiers.pruning import SparseGPTModifier

        return [SparseGPTModifier(sparsity=gone, mask_structure=mask, targets=TARGETS)]

    oneshot(model, modifiers, calibration, processor=processor)
