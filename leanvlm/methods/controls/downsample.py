"""downsample: shrink the picture, the oldest way to get fewer visual tokens.

Source:  a control: VTC-Bench, 2026, finds that plain downsampling beats many token-pruning methods.
Departs: sides are rounded to whole pixels, at least 8. The model's own processor then chooses its tiles, so small
         pictures may keep their number of tokens: the achieved budget is measured in visual tokens beside the pixels.
Checked: tests/methods/test_controls.py: the pixel area is the budget within rounding, and the shape stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL.Image import Image, Resampling

from leanvlm.methods._image import ImageMethod
from leanvlm.methods._method import BudgetedMethod

LEAST_SIDE_PIXELS = 8


@dataclass(frozen=True, kw_only=True)
class Method(ImageMethod, BudgetedMethod):
    """Shrink both sides by the square root of the budget, which is the share of the pixel area that is kept."""

    def transform(self, images: Sequence[Image]) -> list[Image]:
        """Return the pictures, smaller."""
        return [image if self.budget == 1 else self._shrink(image) for image in images]

    def _shrink(self, image: Image) -> Image:
        scale = self.budget**0.5
        width, height = (max(LEAST_SIDE_PIXELS, round(side * scale)) for side in image.size)
        return image.resize((width, height), Resampling.BICUBIC)
