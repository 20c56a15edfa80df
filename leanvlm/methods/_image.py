"""Methods that change what the model sees of a picture: the picture itself, or which of its patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from PIL.Image import Image
from torch import Tensor

from leanvlm.methods._method import Method


@dataclass(frozen=True, kw_only=True)
class ImageMethod(Method):
    """A method that owes `transform`."""

    acts_on: ClassVar[str] = "image"

    def transform(self, images: Sequence[Image]) -> list[Image]:
        """Return the pictures that the model gets instead."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class PatchMethod(Method):
    """A method that leaves out patches before the vision tower; it owes `keeps`."""

    acts_on: ClassVar[str] = "image"

    def keeps(self, blocks: Tensor) -> Tensor:
        """Say which tokens of one picture the tower makes.

        Shapes: blocks (rows, columns, values), each token's pixels in grey levels from 0 to 255 -> (rows, columns).
        """
        raise NotImplementedError
