"""Methods that change the picture before the model sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from PIL.Image import Image

from leanvlm.methods._method import Method


@dataclass(frozen=True, kw_only=True)
class ImageMethod(Method):
    """A method that owes `transform`."""

    acts_on: ClassVar[str] = "image"

    def transform(self, images: Sequence[Image]) -> list[Image]:
        """Return the pictures that the model gets instead."""
        raise NotImplementedError
