"""The answers of `clips` are what can be seen in the frames, measured on their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from leanvlm.benchmarks._canvas import COLORS
from leanvlm.benchmarks.clips import Benchmark

SAMPLES = list(Benchmark().samples(80, seed=0))
AXES = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}  # of x or y, and its sign


def seen(frame: Image.Image) -> tuple[tuple[float, float], str]:
    """Return the middle (x, y) of what differs from the corner, and its colour's name."""
    pixels = np.asarray(frame)
    differs = (pixels != pixels[0, 0]).any(-1)
    assert not differs[0].any(), "the shape covers the corner that tells the background"
    rows, columns = np.nonzero(differs)
    names = {rgb: name for name, rgb in COLORS.items()}
    return (columns.mean(), rows.mean()), names[tuple(int(v) for v in pixels[rows[0], columns[0]])]


@pytest.mark.parametrize("kind", Benchmark.kinds)
def test_the_answer_is_what_the_frames_show(kind: str) -> None:
    for sample in (sample for sample in SAMPLES if sample.kind == kind):
        places, colors = zip(*map(seen, sample.images), strict=True)
        (answer,) = sample.answers
        if kind == "direction":
            axis, sign = AXES[answer]
            steps = sign * np.diff(np.array(places), axis=0)
            assert (steps[:, axis] > 0).all(), "it goes on in every frame"
            assert (abs(steps[:, 1 - axis]) < 5).all()
        elif kind == "end":
            x, y = (int(side // 48) for side in places[-1])
            assert answer == f"{('top', 'middle', 'bottom')[y]} {('left', 'center', 'right')[x]}"
        elif kind == "count":
            assert answer == str(len(set(colors)))
        else:
            assert answer == colors[0]


def test_every_sample_is_a_video() -> None:
    assert all(sample.fps == 1.0 and 4 <= len(sample.images) <= 8 for sample in SAMPLES)
