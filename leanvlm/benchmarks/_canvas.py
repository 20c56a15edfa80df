"""A canvas on which the drawn benchmarks put text and shapes, and which knows what lies under each patch.

The patch labels are what the vision tower is pre-trained on (leanvlm/training/lessons.py); nobody else reads them.
Drawing is recorded and done when `image` is read, because half of the training needs the labels alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PATCH = 12  # side of the embedded model's vision patch [pixels]
TILE = 12  # patches along the side of one tile

# The palette of easy-vqa, which the drawn benchmarks share so that colours are learnt once.
COLORS = {
    "red": (220, 40, 40),
    "green": (30, 150, 50),
    "blue": (40, 60, 220),
    "yellow": (235, 215, 40),
    "black": (20, 20, 20),
    "gray": (128, 128, 128),
    "teal": (20, 140, 140),
    "brown": (130, 75, 30),
}
SHAPES = ("circle", "rectangle", "triangle", "cross")
GLYPHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:"
# One label channel each, 0 = nothing there. `part` marks the places that counting and measuring need.
GLYPH_IDS = {glyph: index + 1 for index, glyph in enumerate(GLYPHS)}
COLOR_IDS = {color: index + 1 for index, color in enumerate(COLORS)}
KIND_IDS = {kind: index + 1 for index, kind in enumerate((*SHAPES, "bar", "point"))}
PART_IDS = {"center": 1, "top": 2, "end": 3}
FIELDS = ("name", "city", "date", "total", "phone", "item", "tax", "code", "room", "gate", "order", "unit",
          "bank", "file", "ship", "zone")  # fmt: skip
LONGEST_VALUE = 7
CHANNELS = {
    "glyph": len(GLYPH_IDS) + 1,
    "color": len(COLOR_IDS) + 1,
    "kind": len(KIND_IDS) + 1,
    "part": len(PART_IDS) + 1,
    "height": TILE,  # of a bar or a point, on it and on the name under it [patches]
    "field": len(FIELDS) + 1,  # whose line this glyph stands in
    "index": LONGEST_VALUE + 1,  # place of this glyph in the line's value, counted from 1
}

Color = tuple[int, int, int]
Draw = Callable[[ImageDraw.ImageDraw], None]


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Load Pillow's own font, so that every machine draws the same pixels."""
    return ImageFont.load_default(size)  # type: ignore[return-value]


class Canvas:
    """A page of `columns` x `rows` patches; `labels` is (rows, columns, channels) of small integers."""

    def __init__(self, *, columns: int = TILE, rows: int = TILE, background: Color = (255, 255, 255)) -> None:
        self.columns, self.rows, self.background = columns, rows, background
        self.labels = np.zeros((rows, columns, len(CHANNELS)), np.int64)
        self._strokes: list[Draw] = []

    @property
    def image(self) -> Image.Image:
        """Render the recorded strokes."""
        image = Image.new("RGB", (self.columns * PATCH, self.rows * PATCH), self.background)
        draw = ImageDraw.Draw(image)
        for stroke in self._strokes:
            stroke(draw)
        return image

    def text(
        self, text: str, *, column: int, row: int, shift: tuple[int, int] = (0, 0), color: Color = (0, 0, 0)
    ) -> None:
        """Write one glyph a patch from (column, row) on, moved by `shift` [pixels]."""
        for index, glyph in enumerate(text):
            if glyph == " ":
                continue
            center = ((column + index + 0.5) * PATCH + shift[0], (row + 0.5) * PATCH + shift[1])
            self._strokes.append(_glyph(glyph, center, color))
            self.labels[row, column + index, 0] = GLYPH_IDS[glyph]

    def field(self, key: str, value: str, *, column: int, row: int, shift: tuple[int, int]) -> None:
        """Write a line `KEY:VALUE`."""
        self.text(f"{key.upper()}:{value}", column=column, row=row, shift=shift)
        start = column + len(key) + 1
        self.labels[row, column : start + len(value), 5] = FIELDS.index(key) + 1
        self.labels[row, start : start + len(value), 6] = range(1, len(value) + 1)
        self.labels[row, start + len(value) - 1, 3] = PART_IDS["end"]

    def line(self, points: list[tuple[float, float]], *, color: Color, width: int = 1) -> None:
        """Draw a line through `points` [pixels]; it carries no label."""
        self._strokes.append(lambda draw: draw.line(points, fill=color, width=width))

    def bar(self, *, column: int, top: int, bottom: int, color: str, shift: int = 0) -> None:
        """Fill a column of patches from row `top` to row `bottom`, both included."""
        left = column * PATCH + shift + 1
        box = [left, top * PATCH, left + PATCH - 3, (bottom + 1) * PATCH - 1]
        self._strokes.append(lambda draw: draw.rectangle(box, fill=COLORS[color]))
        self.labels[top : bottom + 1, column, 1:3] = COLOR_IDS[color], KIND_IDS["bar"]
        self.labels[top, column, 3] = PART_IDS["top"]
        self.labels[top : bottom + 1, column, 4] = bottom + 1 - top

    def point(self, *, column: int, row: int, height: int, color: str) -> None:
        """Put a round marker on the upper edge of one patch, where a bar of the same value would end."""
        x, y = (column + 0.5) * PATCH, row * PATCH
        self._strokes.append(lambda draw: draw.ellipse([x - 4, y - 4, x + 4, y + 4], fill=COLORS[color]))
        self.labels[row, column, 1:5] = COLOR_IDS[color], KIND_IDS["point"], PART_IDS["top"], height

    def name_column(self, name: str, *, column: int, row: int, height: int) -> None:
        """Write one glyph under a bar or a point that rises `height` patches."""
        self.text(name, column=column, row=row)
        self.labels[row, column, 4] = height

    def shape(self, shape: str, *, x: float, y: float, radius: float, color: str) -> None:
        """Draw a filled shape around (x, y) [pixels]."""
        self._strokes.append(_shape(shape, x, y, radius, COLORS[color]))
        centers = (np.arange(max(self.rows, self.columns)) + 0.5) * PATCH
        rows = np.flatnonzero(np.abs(centers[: self.rows] - y) < radius)
        columns = np.flatnonzero(np.abs(centers[: self.columns] - x) < radius)
        self.labels[np.ix_(rows, columns, np.array([1]))] = COLOR_IDS[color]
        self.labels[np.ix_(rows, columns, np.array([2]))] = KIND_IDS[shape]
        self.labels[int(y // PATCH), int(x // PATCH), 3] = PART_IDS["center"]


def _glyph(glyph: str, center: tuple[float, float], color: Color) -> Draw:
    return lambda draw: draw.text(center, glyph, fill=color, font=font(13), anchor="mm")


def _shape(shape: str, x: float, y: float, r: float, color: Color) -> Draw:
    box = [x - r, y - r, x + r, y + r]
    if shape == "circle":
        return lambda draw: draw.ellipse(box, fill=color)
    if shape == "rectangle":
        return lambda draw: draw.rectangle(box, fill=color)
    if shape == "triangle":
        return lambda draw: draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=color)
    width = max(3.0, r / 3)

    def cross(draw: ImageDraw.ImageDraw) -> None:
        draw.rectangle([x - r, y - width, x + r, y + width], fill=color)
        draw.rectangle([x - width, y - r, x + width, y + r], fill=color)

    return cross
