"""existence: drawn objects; asks whether one is there, in the three ways of POPE.

Source:  drawn by this project. After POPE (Li et al. 2023, arXiv 2305.10355): absent objects at random, popular ones,
         and adversarial ones.
Departs: POPE's adversarial objects are those that often stand beside what is in the picture; drawn objects do so by
         chance, so ours have the colour of one that is there and the shape of another: they are taken for it first.
Grading: mme, yes or no; `hallucination` says how often what is absent is said to be there.
Knobs:   objects, popular (how many objects take half of all draws), jitter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from leanvlm.benchmarks._benchmark import DrawnBenchmark, Picture, Question, paper
from leanvlm.benchmarks._canvas import COLORS, SHAPES
from leanvlm.benchmarks.scenes import PLACES, Thing, draw_things

NAMES = tuple((color, shape) for color in COLORS for shape in SHAPES)


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """Objects on a three by three grid, some of which are drawn far more often than others."""

    objects: tuple[int, int] = (3, 5)  # fewest and most objects
    popular: int = 4  # objects that take half of all draws
    jitter: int = 5  # each object is moved by up to this much, both ways [pixels]

    kinds = ("random", "popular", "adversarial")

    def draw(self, rng: random.Random) -> Picture:
        """Draw distinct objects, and ask for one that is there and one that is not in each way."""
        places = sorted(rng.sample(range(len(PLACES)), rng.randint(*self.objects)))
        names: list[tuple[str, str]] = []
        while len(names) < len(places):
            name = rng.choice(self._popular if rng.random() < 0.5 else NAMES)
            names += [name] if name not in names else []
        things = [Thing(*name, place) for name, place in zip(names, places, strict=True)]
        absent = {
            "random": [name for name in NAMES if name not in names],
            "popular": [name for name in self._popular if name not in names],
            "adversarial": [(a, b) for a, _ in names for _, b in names if (a, b) not in names],
        }
        there = {way: rng.choice(things) for way in absent}
        asked = [Question(way, _is_there(one.name), ("yes",), "mme", one.at) for way, one in there.items()]
        asked += [
            Question(way, _is_there(" ".join(rng.choice(others))), ("no",), "mme")
            for way, others in absent.items()
            if others
        ]
        return Picture((draw_things(things, paper(rng), jitter=self.jitter, rng=rng),), tuple(asked))

    @property
    def _popular(self) -> tuple[tuple[str, str], ...]:
        """Each of another colour and shape than the one before it."""
        step = len(SHAPES) + 1
        return tuple(NAMES[step * index % len(NAMES)] for index in range(self.popular))


def _is_there(name: str) -> str:
    return f"is there a {name}?"
