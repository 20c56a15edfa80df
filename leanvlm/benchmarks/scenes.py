"""scenes: drawn objects; asks for existence, count, attribute and relation, and for a description.

Source:  drawn by this project. In the manner of CLEVR (Johnson et al. 2017), flat and plainly worded.
Grading: exact for short answers, token_f1 for descriptions.
Knobs:   objects, jitter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from leanvlm.benchmarks._benchmark import DrawnBenchmark, Picture, Question, paper
from leanvlm.benchmarks._canvas import COLORS, PATCH, SHAPES, TILE, Canvas, Color

PLACES = tuple(f"{row} {column}" for row in ("top", "middle", "bottom") for column in ("left", "center", "right"))
SIDE = TILE * PATCH / 3  # each object has a third of the scene's width and height to itself [pixels]


@dataclass(frozen=True)
class Thing:
    """One drawn object; `place` is an index into PLACES."""

    color: str
    shape: str
    place: int

    @property
    def at(self) -> tuple[float, float]:
        """The center of its place, as shares of the scene's width and height."""
        row, column = divmod(self.place, 3)
        return (column + 0.5) / 3, (row + 0.5) / 3

    @property
    def name(self) -> str:
        """Name it by colour and shape, as questions do."""
        return f"{self.color} {self.shape}"


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """Objects on a three by three grid."""

    objects: tuple[int, int] = (3, 5)  # fewest and most objects
    jitter: int = 5  # each object is moved by up to this much, both ways [pixels]

    kinds = ("existence", "count", "attribute", "relation", "describe")

    def draw(self, rng: random.Random) -> Picture:
        """Draw the objects and ask everything about them."""
        background = paper(rng)
        places = sorted(rng.sample(range(len(PLACES)), rng.randint(*self.objects)))
        things = [Thing(rng.choice(list(COLORS)), rng.choice(SHAPES), place) for place in places]
        canvas = draw_things(things, background, jitter=self.jitter, rng=rng)
        asked = [
            *_existence(things, rng),
            *_counts(things, rng),
            *_attributes(things),
            *_relations(things, rng),
        ]
        text = ", ".join(f"a {thing.name} at {PLACES[thing.place]}" for thing in things)
        asked.append(Question("describe", "describe the image.", (text,), "token_f1"))
        drills = [drill for _ in range(3) for ask in (_existence, _counts, _relations) for drill in ask(things, rng)]
        return Picture((canvas,), tuple(asked), tuple(drills))


def draw_things(things: list[Thing], background: Color, *, jitter: float, rng: random.Random) -> Canvas:
    """Draw objects at their places, each moved by up to `jitter` pixels and of a size of its own."""
    canvas = Canvas(background=background)
    for thing in things:
        row, column = divmod(thing.place, 3)
        x, y = ((axis + 0.5) * SIDE + rng.uniform(-jitter, jitter) for axis in (column, row))
        canvas.shape(thing.shape, x=x, y=y, radius=rng.uniform(12, 18), color=thing.color)
    return canvas


def _existence(things: list[Thing], rng: random.Random) -> list[Question]:
    there = {thing.name: thing.at for thing in things}
    near = {f"{a.color} {b.shape}" for a in things for b in things} - set(there)
    missing = rng.choice(sorted(near)) if near else f"{rng.choice(list(COLORS))} {rng.choice(SHAPES)}"
    names = (rng.choice(sorted(there)), missing)
    return [
        Question("existence", f"is there a {name}?", ("yes" if name in there else "no",), "exact", there.get(name))
        for name in names
    ]


def _counts(things: list[Thing], rng: random.Random) -> list[Question]:
    shape = rng.choice([rng.choice(SHAPES), rng.choice(things).shape])
    same = sum(thing.shape == shape for thing in things)
    plural = "crosses" if shape == "cross" else f"{shape}s"
    return [
        Question("count", f"how many {plural}?", (str(same),), "exact"),
        Question("count", "how many objects?", (str(len(things)),), "exact"),
    ]


def _attributes(things: list[Thing]) -> list[Question]:
    shapes, colors = [thing.shape for thing in things], [thing.color for thing in things]
    asked = []
    for thing in things:
        if shapes.count(thing.shape) == 1:
            asked.append(Question("attribute", f"what color is the {thing.shape}?", (thing.color,), "exact", thing.at))
        if colors.count(thing.color) == 1:
            text = f"what shape is the {thing.color} object?"
            asked.append(Question("attribute", text, (thing.shape,), "exact", thing.at))
    return asked


def _relations(things: list[Thing], rng: random.Random) -> list[Question]:
    names = [thing.name for thing in things]
    unique = [thing for thing in things if names.count(thing.name) == 1]
    if len(unique) < 2:
        return []
    first, second = rng.sample(unique, 2)
    (row, column), (other_row, other_column) = divmod(first.place, 3), divmod(second.place, 3)
    asked = []
    if column != other_column:
        truth = "yes" if column < other_column else "no"
        asked.append(Question("relation", f"is the {first.name} left of the {second.name}?", (truth,), "exact"))
    if row != other_row:
        truth = "yes" if row < other_row else "no"
        asked.append(Question("relation", f"is the {first.name} above the {second.name}?", (truth,), "exact"))
    return asked
