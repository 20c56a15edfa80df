"""Methods that make good what others lost: they come last, and add to linear layers instead of rewriting them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from leanvlm.methods.weights._block import Block
from leanvlm.methods.weights._weights import WeightsMethod


@dataclass(frozen=True, kw_only=True)
class CompensatingMethod(WeightsMethod):
    """A method that is given each decoder layer when those before it in the recipe are done with it."""

    compensates: ClassVar[bool] = True

    @property
    def asked(self) -> None:
        """Nothing is asked to be kept: what is added counts on top of what the others keep."""
        return None

    def amend(self, block: Block, originals: dict[str, Tensor]) -> None:
        """Add to a decoder layer's linear layers.

        Shapes: originals, their weights before anything was rewritten, (outputs, inputs) each.
        """
        raise NotImplementedError
