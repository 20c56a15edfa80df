"""blind: ask without showing the picture.

Source:  a control: what a model answers from the question alone is no merit of its eyes.
Departs: nothing.
Checked: tests/methods/test_controls.py: the prompt holds no visual token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL.Image import Image

from leanvlm.methods._image import ImageMethod


@dataclass(frozen=True, kw_only=True)
class Method(ImageMethod):
    """Take the pictures away."""

    def transform(self, images: Sequence[Image]) -> list[Image]:  # noqa: ARG002
        """Return no picture."""
        return []
