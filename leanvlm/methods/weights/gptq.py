"""GPTQ: round weights to four bits column by column, and let the columns that follow make good the error.

Source:  Frantar et al. 2023, arXiv 2210.17323, sections 3 and 4.
Code:    llmcompressor 0.14.0.1, GPTQModifier (called); the authors' is github.com/IST-DASLab/gptq @ 2d65066.
Departs: integers are symmetric, as fast kernels want them; the paper's are not. Columns go in order of
         their inputs' size, with groups fixed before (the authors' later "static groups"). Damping is 0.01
         of the mean diagonal and blocks have 128 columns, as in the authors' code. Scales are rounded to
         the 16 bits that they are stored in before anything is measured. Calibrated on questions with
         pictures, not text from C4.
Checked: tests/methods/test_gptq.py: a matrix worked by hand, a slow reference over a whole layer, and on inputs
         that calibration did not see, each layer's error is below that of rounding to nearest.
         tests/test_compress.py: what is loaded again answers exactly as what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.methods.weights._oneshot import oneshot
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._weights import Samples


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Store four bits a weight and one scale a group of neighbouring weights of a row."""

    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:
        """Quantise layer after layer and attach the scales; the format that is stored follows on saving."""
        scheme = self.scheme(model)

        def modifiers() -> list[object]:
            from llmcompressor.modifiers.gptq import GPTQModifier

            return [GPTQModifier(config_groups=scheme)]

        oneshot(model, modifiers, calibration, processor=processor)
