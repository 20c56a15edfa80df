"""Put names beside points so that they cover neither each other nor the points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CHARACTER_WIDTH = 6.9  # of 11-pixel DejaVu Sans, the widest of the fonts that the page asks for [pixels]
LINE_HEIGHT = 13.0  # [pixels]
DISTANCES = (9.0, 18.0, 30.0, 44.0)  # from a point to its label, nearest first [pixels]
DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))
ANCHORS = {1: "start", 0: "middle", -1: "end"}  # by the side of the point on which the label stands
NEAR = 12.0  # a label further than this gets a line to its point [pixels]


@dataclass(frozen=True)
class Box:
    """A rectangle [pixels]; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Say whether the two share any area."""
        is_beside = self.right <= other.left or other.right <= self.left
        return not (is_beside or self.bottom <= other.top or other.bottom <= self.top)

    def contains(self, other: Box) -> bool:
        """Say whether `other` lies wholly inside."""
        is_across = self.left <= other.left and other.right <= self.right
        return is_across and self.top <= other.top and other.bottom <= self.bottom


@dataclass(frozen=True)
class Label:
    """Where a name goes and, for far labels, which pixel its line starts from."""

    text: str
    box: Box
    anchor: str
    point: tuple[float, float]
    is_far: bool

    @property
    def x(self) -> float:
        """Where the text is anchored [pixels]: at its point's side, so that narrower fonts stay close."""
        return {"start": self.box.left, "end": self.box.right}.get(self.anchor, (self.box.left + self.box.right) / 2)


def place(names: Sequence[tuple[str, float, float]], *, obstacles: Sequence[Box], frame: Box) -> list[Label]:
    """Place each (text, x, y) in turn; a name without a free place is left out (tooltips still tell it)."""
    placed: list[Label] = []
    for text, x, y in names:
        taken = [*obstacles, *(label.box for label in placed)]
        for box, anchor, distance in _places(text, x, y):
            if frame.contains(box) and not any(box.overlaps(other) for other in taken):
                placed.append(Label(text, box, anchor, (x, y), distance > NEAR))
                break
    return placed


def _places(text: str, x: float, y: float) -> Iterator[tuple[Box, str, float]]:
    width = CHARACTER_WIDTH * len(text)
    for distance in DISTANCES:
        for across, down in DIRECTIONS:
            left = x + across * distance - width * (1 - across) / 2
            top = y + down * distance - LINE_HEIGHT * (1 - down) / 2
            yield Box(left, top, left + width, top + LINE_HEIGHT), ANCHORS[across], distance
