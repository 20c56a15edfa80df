"""clips: drawn videos of one shape that moves and changes its colour; asks what happened over time.

Source:  drawn by this project. In the manner of MVBench (Li et al. 2024), whose questions need more than one frame.
Grading: exact.
Knobs:   frames, colors, jitter, fps. For architectures that take videos; the embedded model was not trained on it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from leanvlm.benchmarks._benchmark import DrawnBenchmark, Picture, Question, paper
from leanvlm.benchmarks._canvas import COLORS, SHAPES, Canvas
from leanvlm.benchmarks.scenes import PLACES, SIDE

WAYS = {"right": (0, 1), "left": (0, -1), "down": (1, 0), "up": (-1, 0)}  # steps of (row, column)


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """A shape goes from one third of the picture to another, straight and at an even pace."""

    frames: tuple[int, int] = (4, 8)  # fewest and most frames of a video
    colors: tuple[int, int] = (1, 3)  # fewest and most colours that the shape has, one after the other
    jitter: int = 2  # the shape is moved by up to this much in each frame, both ways [pixels]
    fps: float = 1.0

    kinds = ("direction", "end", "count", "first")

    def draw(self, rng: random.Random) -> Picture:
        """Draw the frames and ask everything about them."""
        n, shape, way = rng.randint(*self.frames), rng.choice(SHAPES), rng.choice(list(WAYS))
        colors = rng.sample(list(COLORS), min(n, rng.randint(*self.colors)))
        start, end = _journey(WAYS[way], rng)
        background, radius = paper(rng), rng.uniform(12, 18)
        canvases = []
        for index in range(n):
            done = index / max(1, n - 1)
            y, x = (
                (a + (b - a) * done + 0.5) * SIDE + rng.uniform(-self.jitter, self.jitter)
                for a, b in zip(start, end, strict=True)
            )
            canvas = Canvas(background=background)
            canvas.shape(shape, x=x, y=y, radius=radius, color=colors[index * len(colors) // n])
            canvases.append(canvas)
        place = PLACES[3 * end[0] + end[1]]
        return Picture(tuple(canvases), tuple(_questions(shape, way, place, colors)))


def _journey(step: tuple[int, int], rng: random.Random) -> tuple[tuple[int, int], tuple[int, int]]:
    """Choose (row, column) of the thirds where it starts and ends."""
    near, far = sorted(rng.sample(range(3), 2))
    lane, is_back = rng.randrange(3), sum(step) < 0
    start, end = (far, near) if is_back else (near, far)
    return ((start, lane), (end, lane)) if step[0] else ((lane, start), (lane, end))


def _questions(shape: str, way: str, place: str, colors: list[str]) -> list[Question]:
    return [
        Question("direction", f"which way does the {shape} move?", (way,), "exact"),
        Question("end", f"where is the {shape} at the end?", (place,), "exact"),
        Question("count", f"how many colors does the {shape} have?", (str(len(colors)),), "exact"),
        Question("first", f"what color is the {shape} at first?", (colors[0],), "exact"),
    ]
