"""GPTQ: round weights to four bits column by column, and let the columns that follow make good the error.

Source:  Frantar et al. 2023, arXiv 2210.17323, sections 3 and 4.
Code:    llmcompressor 0.14.0.1, quantize_weight (called); the authors' is github.com/IST-DASLab/gptq @ 2d65066.
Departs: integers are symmetric, as fast kernels want them, but for asym; the paper's are not, and it has no four-bit
         floats (weights/rtn says more of them). Columns go in order of their inputs' size, with groups fixed
         before (the authors' later "static groups"). Damping is 0.01 of the mean diagonal and blocks have 128
         columns, as in the authors' code. Scales are rounded to the type that they are stored in before a weight
         is rounded. Calibrated on questions with pictures, not text from C4.
Checked: tests/methods/test_gptq.py: a matrix worked by hand, a slow reference over a whole layer, and on inputs
         that calibration did not see, each layer's error is below that of rounding to nearest.
         tests/test_compress.py: what is loaded again answers exactly as what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._formats import FP4, W4A16, W4A16_ASYM, Format, either
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._rounding import round_block


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Store four bits a weight and one scale a group of neighbouring weights of a row."""

    formats: ClassVar[dict[str, Format]] = W4A16 | W4A16_ASYM | FP4
    settings: ClassVar[str] = either(formats)
    fills_zeros: ClassVar[bool] = True

    def compress(self, decoder: Decoder) -> None:
        """Quantise layer after layer."""
        for block in decoder.rewrite():
            round_block(block, self.format, block.hessians())
