"""rotations: drawn objects; asks to choose, and again with the options turned, until each has stood at each letter.

Source:  drawn by this project. In the manner of MMBench (Liu et al. 2023), whose CircularEval asks every turn of the
         options, and counts a question as right if all are.
Departs: each turn is graded alone; `order_sensitivity` says how often the turn changes what is chosen.
Grading: choice. The embedded model never learnt letters: no grid of this project asks it.
Knobs:   options, and those of scenes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice

from leanvlm.benchmarks import scenes
from leanvlm.benchmarks._benchmark import HELD_OUT_SEED, DrawnBenchmark, Picture, properties
from leanvlm.benchmarks._canvas import COLORS, SHAPES
from leanvlm.benchmarks._choices import right
from leanvlm.errors import InputError
from leanvlm.letters import LETTERS, lettered
from leanvlm.sample import Sample

PROMPT = "{question}\n{options}\nanswer with the letter of the right option."


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """A scene, of which a colour or a shape is chosen."""

    options: int = 4  # of a question; as many samples ask it
    objects: tuple[int, int] = (3, 5)  # fewest and most objects
    jitter: int = 5  # each object is moved by up to this much, both ways [pixels]

    kinds = ("attribute",)

    def draw(self, rng: random.Random) -> Picture:
        """Draw a scene and ask what can be chosen."""
        scene = scenes.Benchmark(self.objects, self.jitter).draw(rng)
        return replace(scene, questions=tuple(one for one in scene.questions if one.kind in self.kinds), drills=())

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield `n` questions, those with the same options one after the other; the last can lack some turns.

        Raises: InputError for a number of options that cannot be offered.
        """
        if not 2 <= self.options <= len(SHAPES):
            raise InputError(f"rotations offers {self.options} options; let it be from 2 to {len(SHAPES)}")
        asked = (self._turns(index, seed) for index in count())
        yield from islice((sample for turns in asked for sample in turns), n)

    def _turns(self, index: int, seed: int) -> Iterator[Sample]:
        rng = random.Random(HELD_OUT_SEED + seed * 1_000_000 + index)
        picture, question = self._picture_with("attribute", rng)
        [truth] = question.answers
        others = [name for name in (SHAPES if truth in SHAPES else COLORS) if name != truth]
        options = rng.sample([truth, *rng.sample(others, self.options - 1)], self.options)
        for turn in range(self.options):
            turned = (*options[turn:], *options[:turn])
            yield Sample(
                sample_id=f"{index:05d}-{turn + 1}",
                group_id=f"{index:05d}",
                kind=question.kind,
                images=tuple(canvas.image for canvas in picture.canvases),
                question=PROMPT.format(question=question.text, options=lettered(turned)),
                answers=right(LETTERS[turned.index(truth)], turned),
                rule="choice",
                options=turned,
                properties=properties(picture, question),
            )
