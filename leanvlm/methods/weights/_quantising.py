"""Methods that store weights in fewer bits: the setting names the format, whose scales count too.

Without zero points integers and floats are symmetric around zero, as fast kernels want them; a zero stays a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from leanvlm.methods.weights._formats import W4A16, W4A16_ASYM, Format, either
from leanvlm.methods.weights._weights import WeightsMethod


@dataclass(frozen=True, kw_only=True)
class QuantisingMethod(WeightsMethod):
    """A method whose setting is the format that weights are stored in."""

    formats: ClassVar[dict[str, Format]] = W4A16 | W4A16_ASYM
    settings: ClassVar[str] = either(formats)
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
