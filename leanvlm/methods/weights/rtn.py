"""Rounding to nearest: store each weight as the nearest multiple of its group's scale, whatever enters the layer.

Source:  the baseline of GPTQ's and AWQ's papers (Frantar et al. 2023, arXiv 2210.17323, section 5). w8a8 is the
         format of Dettmers et al. 2022, arXiv 2208.07339, section 2.1, without its outliers; fp8 is the e4m3 of
         Micikevicius et al. 2022, arXiv 2209.05433.
Code:    compressed-tensors 0.19.0, calculate_qparams and fake_quantize (called).
Departs: symmetric, so that a pruned model's zeros stay; no other method here may follow one that prunes. Scales
         are rounded to the 16 bits that they are stored in before weights are rounded. w8a8 and fp8 also round
         what enters a layer, token by token, while the model runs: on a CPU that costs time and saves none.
Checked: tests/methods/test_rtn.py: equal to four lines of arithmetic, for every format, and zeros stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._quantising import W4A16, W8A8, Format, QuantisingMethod
from leanvlm.methods.weights._rounding import round_block


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Round to four-bit integers in groups, or to eight bits with a scale per row."""

    settings: ClassVar[str] = "w4a16-g32, w4a16-g64, w4a16-g128, w8a8 or fp8"
    formats: ClassVar[dict[str, Format]] = W4A16 | W8A8
    keeps_zeros: ClassVar[bool] = True

    def compress(self, decoder: Decoder) -> None:
        """Round layer after layer."""
        for block in decoder.rewrite(listens=False):
            round_block(block, self.format)
