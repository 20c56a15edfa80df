"""Methods that store weights in fewer bits: the formats by their settings, and what a weight costs in each.

Integers and floats are symmetric around zero, as fast kernels want them, and so a zero stays a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from leanvlm.methods.weights._layers import LINEAR
from leanvlm.methods.weights._weights import WeightsMethod

SCALE_BITS = 16
TARGETS = [f"re:{LINEAR}$"]  # "Linear" with a list of others to ignore comes back with a quantised vision tower


@dataclass(frozen=True)
class Format:
    """How a weight is stored. The weights of a group share a scale; without groups, those of a row."""

    bits: int
    kind: str = "int"
    group_size: int | None = None
    rounds_inputs: bool = False  # token by token to the same format, while the model runs

    def stored_bits(self, n_inputs: float) -> float:
        """Return the bits of a weight and its part of a scale, in a layer of so many inputs."""
        return self.bits + SCALE_BITS / (self.group_size or n_inputs)

    def scheme(self, **more: Any) -> Any:
        """Describe the format as compressed-tensors does, for the decoder's linear layers.

        Takes: more, what else is said of the weights.
        """
        from compressed_tensors.quantization import QuantizationScheme

        shape = {"num_bits": self.bits, "type": self.kind, "symmetric": True}
        group = {"strategy": "group", "group_size": self.group_size} if self.group_size else {"strategy": "channel"}
        scheme: dict[str, Any] = {"weights": {**shape, **group, "dynamic": False, **more}}
        if self.rounds_inputs:
            scheme["input_activations"] = {**shape, "strategy": "token", "dynamic": True}
        return QuantizationScheme(targets=TARGETS, **scheme)


W4A16 = {f"w4a16-g{size}": Format(4, group_size=size) for size in (32, 64, 128)}
W8A8 = {"w8a8": Format(8, rounds_inputs=True), "fp8": Format(8, "float", rounds_inputs=True)}


@dataclass(frozen=True, kw_only=True)
class QuantisingMethod(WeightsMethod):
    """A method whose setting is the format that weights are stored in."""

    settings: ClassVar[str] = "w4a16-g32, w4a16-g64 or w4a16-g128"
    formats: ClassVar[dict[str, Format]] = W4A16
    quantises: ClassVar[bool] = True

    @property
    def format(self) -> Format:
        """The format that the setting names."""
        if self.setting not in self.formats:
            raise self.refusal()
        return self.formats[self.setting]

    def budget(self) -> float:
        """Return the stored bits of a weight over 16; a scale per row counts for nothing, as in endless rows."""
        return self.budget_of(inf)

    def budget_of(self, n_inputs: float) -> float:
        """Return the stored bits of a weight over 16, in a layer of so many inputs."""
        return self.format.stored_bits(n_inputs) / 16

    @property
    def together(self) -> int | None:
        """The weights of a group, which share a scale."""
        return self.format.group_size
