"""Rounding to nearest: store each weight as the nearest multiple of its group's scale, whatever enters the layer.

Source:  the baseline of GPTQ's and AWQ's papers (Frantar et al. 2023, arXiv 2210.17323, section 5). w8a8 is the
         format of Dettmers et al. 2022, arXiv 2208.07339, section 2.1, without its outliers; fp8 is the e4m3 of
         Micikevicius et al. 2022, arXiv 2209.05433; mxfp4 is that of Rouhani et al. 2023, arXiv 2310.10537, and
         nvfp4 NVIDIA's. Both keep 16 bits of inputs with a16 behind their names.
Code:    compressed-tensors 0.19.0, calculate_qparams and fake_quantize (called).
Departs: symmetric but for asym, and zero stays one of the values with asym too, so that a pruned model's zeros stay.
         The largest integer is 7.5 steps of four bits and 127.5 of eight, as in GPTQ, where w8a8's source has 127.
         Scales are rounded to the type that they are stored in before weights are rounded. w8a8, fp8, nvfp4 and mxfp4
         also round what enters a layer while the model runs: on a CPU that costs time and saves none. How much nvfp4's
         inputs are scaled is fixed by calibration samples; no other setting looks at any. Scales of mxfp4 are
         compressed-tensors' powers of two, one more than in the standard where the largest weight is 7/8 of the next. A
         group of nvfp4 whose largest weight is below 2e-6 of the tensor's becomes zeros; NVIDIA's own code gives it the
         smallest scale. Layers with the same inputs share one scale of scales in nvfp4, as vLLM wants. Four-bit floats
         are unpacked to bfloat16, as by transformers, which runs them in no other type.
Checked: tests/methods/test_rtn.py: equal to four lines of arithmetic, for every format of integers and eight bits, and
         zeros stay. tests/methods/test_fp4.py: tables of values, a slow search, and the bytes on disk read by hand.
         Beside github.com/NVIDIA/Model-Optimizer @ 211c6b3 for nvfp4 and github.com/microsoft/microxcaling @ 3b429a8
         for mxfp4: the same values of 1,000 random matrices each, but of groups as above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._formats import FP4, FP8, W4A16, W4A16_ASYM, W8A8, Format, either
from leanvlm.methods.weights._quantising import QuantisingMethod
from leanvlm.methods.weights._rounding import round_block


@dataclass(frozen=True, kw_only=True)
class Method(QuantisingMethod):
    """Round to four bits in groups, or to eight bits with a scale per row."""

    formats: ClassVar[dict[str, Format]] = W4A16 | W4A16_ASYM | FP4 | W8A8 | FP8
    settings: ClassVar[str] = either(formats)
    keeps_zeros: ClassVar[bool] = True

    def compress(self, decoder: Decoder) -> None:
        """Round layer after layer."""
        for block in decoder.rewrite(listens=self.format.needs_samples):
            round_block(block, self.format)
