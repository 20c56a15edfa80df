"""The plot draws what it is given: ticks are round, labels are apart."""

from __future__ import annotations

import base64
import io
import random
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest
from PIL import Image

from leanvlm import markup
from leanvlm.report import words
from leanvlm.report.benchmarks.heat import shade
from leanvlm.report.flips import pictures
from leanvlm.report.tradeoff import axes, labels, plot
from leanvlm.report.tradeoff.labels import Box
from leanvlm.report.tradeoff.plot import Panel, Point


def panel(*points: Point) -> Panel:
    """A panel of some points."""
    return Panel("key", "title <1>", "x", "{:g}×".format, points)


def point(name: str, x: float, y: float, *, is_on_front: bool = False) -> Point:
    """A point with an error upwards."""
    return Point(name, f"{name} & co", "tokens", x, y, None, (y - 0.01, y + 0.01), is_on_front)


def test_drawing_is_well_formed_and_escaped() -> None:
    svg = plot.draw(panel(point("<a>", 1.2, 0.9, is_on_front=True), point("b", 1.6, 0.8, is_on_front=True)))
    root = ElementTree.fromstring(svg)
    assert root.find("title").text == "title <1>"  # type: ignore[union-attr]
    assert "&lt;a&gt;" in svg
    assert 'class="front"' in svg


def test_one_point_is_drawn_without_a_front_line() -> None:
    svg = plot.draw(panel(point("a", 1.0, 1.0, is_on_front=True)))
    assert 'class="front"' not in svg
    assert svg.count('class="point') == 1


def test_equal_values_still_make_an_axis() -> None:
    axis = axes.around([1.0, 1.0], start=0, end=100)
    assert axis.at(1.0) == pytest.approx(50)
    assert 1.0 in axis.ticks()


def test_ticks_are_round_and_inside() -> None:
    assert axes.Axis(0.17, 1.08, 0, 100).ticks() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert axes.Axis(0.9, 4.1, 0, 100).ticks() == [1, 2, 3, 4]


def test_labels_never_overlap_each_other_or_points() -> None:
    spots = [(f"recipe@{index}%", 100 + 7 * (index % 5), 100 + 5.0 * index) for index in range(30)]
    points = [Box(x - 6, y - 6, x + 6, y + 6) for _, x, y in spots]
    placed = labels.place(spots, obstacles=points, frame=Box(0, 0, 600, 400))
    assert len(placed) > 10
    assert not any(one.box.overlaps(other.box) for one, other in combinations(placed, 2))
    assert not any(label.box.overlaps(spot) for label in placed for spot in points)


def test_shades_deepen_as_less_is_kept() -> None:
    kept = (None, 1.0, 0.97, 0.8, 0.6, 0.3, 0.0, 1.05, 1.5)
    assert [shade(share) for share in kept] == [
        "", "", "under1", "under2", "under3", "under4", "under5", "over1", "over2",
    ]  # fmt: skip


def test_long_and_invisible_text_is_cut_and_shown() -> None:
    assert markup.visible("a\u202eb\x00c") == "a\ufffdb\ufffdc"
    assert words.excerpt("x" * 1601).endswith("x … (1,001 more characters)")


def test_large_picture_is_made_smaller() -> None:
    shown = pictures.shown(_png(Image.frombytes("RGB", (800, 600), random.Random(0).randbytes(800 * 600 * 3))))
    assert shown["source"].startswith("data:image/webp;base64,")
    assert len(shown["source"]) < 4 / 3 * pictures.LARGEST_BYTES + 100
    assert shown["width"] / shown["height"] == pytest.approx(4 / 3)


def test_small_picture_is_shown_as_the_model_saw_it() -> None:
    small = Image.frombytes("RGB", (60, 40), random.Random(0).randbytes(60 * 40 * 3))
    kind, _, encoded = pictures.shown(_png(small))["source"].partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).tobytes() == small.tobytes()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
