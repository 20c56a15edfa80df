"""What small plots beside each other have in common: their size, and a grid with numbers along both axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from markupsafe import Markup

from leanvlm.report import drawing
from leanvlm.report.tradeoff.axes import Axis
from leanvlm.report.tradeoff.labels import Box

WIDTH, HEIGHT = 300, 210  # [pixels]
FRAME = Box(46, 10, WIDTH - 10, HEIGHT - 26)
ROOM = 36  # for a number below [pixels]


def grid(up: Axis, spell: Callable[[float], str], below: Iterable[tuple[float, str]]) -> Markup:
    """Draw lines with their values, numbers below as far as there is room, and a line where the full model lies, at 1.

    Takes: spell, how a value of the upright axis is written; below, numbers and where they stand, from the left.
    """
    drawn = []
    for value in up.ticks(n=4):
        drawn.append(drawing.path("grid", f"M{FRAME.left} {up.at(value):.1f}H{FRAME.right}"))
        drawn.append(drawing.text(spell(value), FRAME.left - 6, up.at(value) + 4, anchor="end"))
    last = -math.inf
    for x, number in below:
        if x - last > ROOM:
            drawn.append(drawing.text(number, x, FRAME.bottom + 17, anchor="middle"))
            last = x
    drawn.append(drawing.path("untouched", f"M{FRAME.left} {up.at(1.0):.1f}H{FRAME.right}"))
    return Markup("").join(drawn)
