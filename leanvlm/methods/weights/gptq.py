"""GPTQ: round weights to four bits column by column, and let the columns that follow make good the error.

Source:  Frantar et al. 2023, arXiv 2210.17323, sections 3 and 4.
Code:    llmcompressor 0.14.0.1, GPTQModifier (called); the authors' is github.com/IST-DASLab/gptq @ 2d65066.
Departs: integers are symmetric, as fast kernels want them; the paper's are not. Columns go in order of
         their inputs' size, with groups fixed before (the authors' later "static groups"). Damping is 0.01
         of the mean diagonal and blocks have 128 columns, as in the authors' code. Scales are rounded to
         the 16 bits that they are stored in before anything is measured. Calibrated on questions with
         pictures, not text from C4.
Checked: tests/methods/test_gptq.py: on inputs that calibration did not see, each layer's error is below
         that of rounding to nearest. tests/test_compress.py: what is loaded again answers exactly as what
         was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.errors import InputError
from leanvlm.methods._weights import LINEAR, Samples, WeightsMethod, decoder_layers, decoder_linears
from leanvlm.quiet import quiet

BITS = 4
SCALE_BITS = 16


@dataclass(frozen=True, kw_only=True)
class Method(WeightsMethod):
    """Store four bits a weight and one scale a group of neighbouring weights of a row."""

    settings: ClassVar[str] = "w4a16-g32, w4a16-g64 or w4a16-g128"

    def group_size(self) -> int:
        """Count the weights that share a scale."""
        match = re.fullmatch(r"w4a16-g(32|64|128)", self.setting)
        if match is None:
            raise self.refusal()
        return int(match[1])

    def budget(self) -> float:
        """Return the bits of a weight with its part of a scale, over 16."""
        return (BITS + SCALE_BITS / self.group_size()) / 16

    def compress(self, model: PreTrainedModel, calibration: Samples, *, processor: ProcessorMixin) -> None:
        """Quantise layer after layer and attach the scales; the format that is stored follows on saving."""
        self._refuse_odd_widths(model)
        _refuse_mixed(calibration)
        with quiet():
            # imported here: 3 s that only this method needs, and its log lines
            from compressed_tensors.offload import remove_dispatch
            from llmcompressor.entrypoints.oneshot import oneshot
            from llmcompressor.modifiers.gptq import GPTQModifier

            generator = torch.Generator()  # else the loader draws from the global one
            oneshot(
                model=model,
                recipe=GPTQModifier(config_groups={"group_0": self._scheme()}),
                dataset=DataLoader(calibration, batch_size=None, generator=generator),  # type: ignore[arg-type]
                processor=processor,
                sequential_targets=[type(next(iter(decoder_layers(model).values()))).__name__],
            )
            remove_dispatch(model)  # plain tensors again

    def _scheme(self) -> dict[str, Any]:
        weights = {
            "num_bits": BITS,
            "type": "int",
            "strategy": "group",
            "group_size": self.group_size(),
            "symmetric": True,
            "dynamic": False,
        }
        # a regex, never "Linear" with a list to ignore: transformers looks that list up under other names
        # than it was saved, and the vision tower comes back quantised: vllm-project/llm-compressor#3159
        return {"targets": [f"re:{LINEAR}$"], "weights": weights}

    def _refuse_odd_widths(self, model: PreTrainedModel) -> None:
        for name, linear in decoder_linears(model).items():
            if linear.in_features % self.group_size():
                raise InputError(
                    f"{self.setting} needs widths that {self.group_size()} divides, "
                    f"and {name} has {linear.in_features} inputs; choose a smaller group"
                )


def _refuse_mixed(calibration: Samples) -> None:
    """Stop where llmcompressor would not: it traces the first sample, and other branches are lost for all."""
    kinds = {tuple(sorted(sample)) for sample in calibration}
    if len(kinds) != 1:
        raise InputError(f"GPTQ needs calibration samples of one kind, all with pictures; these have {sorted(kinds)}")
