"""How weights are stored in fewer bits: the formats by their settings, and what a weight costs in each.

All are compressed-tensors' own, which transformers and vLLM read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch

from leanvlm.methods.weights._layers import LINEAR

TARGETS = [f"re:{LINEAR}$"]  # "Linear" with a list of others to ignore comes back with a quantised vision tower


@dataclass(frozen=True)
class Format:
    """How a weight is stored. The weights of a group share a scale; without groups, those of a row."""

    bits: int
    kind: str = "int"
    group_size: int | None = None
    scale_type: torch.dtype | None = None  # of eight bits; None: the 16 bits that the checkpoint stores
    has_zero_point: bool = False  # a group's range need not be even around zero; zero stays one of its values
    is_two_level: bool = False  # scales are multiples of one scale of the whole tensor
    rounds_inputs: bool = False  # to the same format, while the model runs: groups of it, or else each token

    @property
    def needs_samples(self) -> bool:
        """Tell whether samples say how inputs are rounded: the scale of their scales is fixed beforehand."""
        return self.is_two_level and self.rounds_inputs

    def stored_bits(self, n_inputs: float) -> float:
        """Return the bits of a weight and its part of a scale and a zero point, in a layer of so many inputs.

        One scale of a whole tensor counts for nothing, as in an endless one.
        """
        scale = 16 if self.scale_type is None else 8
        return self.bits + (scale + self.bits * self.has_zero_point) / (self.group_size or n_inputs)

    def scheme(self, **more: Any) -> Any:
        """Describe the format as compressed-tensors does, for the decoder's linear layers.

        Takes: more, what else is said of the weights.
        """
        from compressed_tensors.quantization import QuantizationScheme

        value = {"num_bits": self.bits, "type": self.kind, "symmetric": not self.has_zero_point}
        if self.scale_type is not None:
            value |= {"scale_dtype": self.scale_type, "zp_dtype": self.scale_type}
        rows = {**value, **self._groups("channel")}
        scheme: dict[str, Any] = {"weights": {**rows, "dynamic": False, **more}}
        if self.rounds_inputs:
            dynamic = {"dynamic": "local", "observer": "static_minmax"} if self.is_two_level else {"dynamic": True}
            scheme["input_activations"] = {**value, **self._groups("token"), **dynamic}
        return QuantizationScheme(targets=TARGETS, **scheme)

    def _groups(self, otherwise: str) -> dict[str, Any]:
        if self.group_size is None:
            return {"strategy": otherwise}
        return {"strategy": "tensor_group" if self.is_two_level else "group", "group_size": self.group_size}


@cache
def arguments(form: Format) -> Any:
    """Describe a format's weights as compressed-tensors does."""
    return form.scheme().weights


GROUPS = (32, 64, 128)
W4A16 = {f"w4a16-g{size}": Format(4, group_size=size) for size in GROUPS}
W4A16_ASYM = {f"w4a16-asym-g{size}": Format(4, group_size=size, has_zero_point=True) for size in GROUPS}
W8A8 = {"w8a8": Format(8, rounds_inputs=True)}
FP8 = {"fp8": Format(8, "float", rounds_inputs=True)}
NVFP4A16 = Format(4, "float", group_size=16, scale_type=torch.float8_e4m3fn, is_two_level=True)
MXFP4A16 = Format(
    4, "float", group_size=32, scale_type=torch.uint8
)  # a scale is a power of two, stored as its exponent
FP4 = {
    "nvfp4a16": NVFP4A16,
    "mxfp4a16": MXFP4A16,
    "nvfp4": replace(NVFP4A16, rounds_inputs=True),
    "mxfp4": replace(MXFP4A16, rounds_inputs=True),
}


def either(formats: Iterable[str]) -> str:
    """List settings as a sentence does: a, b or c."""
    *first, last = formats
    return f"{', '.join(first)} or {last}" if first else last
