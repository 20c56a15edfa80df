"""What a benchmark is: pictures with questions, each question naming the rule that grades its answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from leanvlm.benchmarks._canvas import CHANNELS, Canvas
from leanvlm.errors import InputError
from leanvlm.sample import Sample

MOST_DRAWN = 1000  # pictures that are drawn for one question
HELD_OUT_SEED = 10_000_000  # samples are drawn from this seed on; training stays below it


@dataclass(frozen=True)
class Question:
    """One question about a picture; any of `answers` is right, `rule` is a file of leanvlm/grading.

    `at` is where what it asks for lies, where that is one place: x as a share of its picture's width, y as one of the
    height of all pictures below each other.
    """

    kind: str
    text: str
    answers: tuple[str, ...]
    rule: str
    at: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """One to four canvases or a video's frames, and what can be asked; `drills` are asked in training only."""

    canvases: tuple[Canvas, ...]
    questions: tuple[Question, ...]
    drills: tuple[Question, ...] = field(default=())


class Benchmark:
    """One data set, one file, one class of this name: a subclass owes `samples`.

    Its fields are its options, all with a default: knobs of difficulty, and `folder` where data lie in one.
    `benchmarks:` in params.yaml sets them.
    """

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield `n` held-out samples; the same `seed` gives the same samples, and a longer run its prefix."""
        raise NotImplementedError

    def missing(self) -> str | None:
        """Say why it cannot be read here and what to do, in one sentence; None where it can."""
        return None

    def check(self) -> None:
        """Refuse data that cannot be asked or graded before a model is loaded, where it takes less than reading all.

        Raises: InputError.
        """

    def files(self) -> list[Path]:
        """List the files that `samples` reads, where there are any: an edit of one changes what is asked."""
        return []

    def training(self, n: int, *, rng: random.Random) -> Iterator[Sample]:  # noqa: ARG002
        """Yield `n` samples of a split to train on, none of which `samples` yields; fewer are a prefix of more.

        Each is drawn when it is asked for, since several benchmarks can share `rng`. A data set that has such a split
        overrides this.

        Raises: InputError where there is none, or fewer than `n`.
        """
        raise InputError(f"{type(self).__module__.rpartition('.')[2]} has no split to train on")

    @classmethod
    def has_training(cls) -> bool:
        """Tell whether the data set has a split to train on."""
        return cls.training is not Benchmark.training


class DrawnBenchmark(Benchmark):
    """A benchmark whose pictures we draw: a subclass owes `draw`."""

    fps: float | None = None  # of the video whose frames the canvases are

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name what can be asked; a class attribute where no knob says it."""
        raise NotImplementedError

    def draw(self, rng: random.Random) -> Picture:
        """Draw one picture and ask what can be asked about it."""
        raise NotImplementedError

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield one question a picture, kinds in turn, so that each kind has its share."""
        for index in range(n):
            rng = random.Random(HELD_OUT_SEED + seed * 1_000_000 + index)
            kind = self.kinds[index % len(self.kinds)]
            picture, question = self._picture_with(kind, rng)
            name, found = f"{index:05d}", properties(picture, question)
            yield replace(self._asked(picture, question), sample_id=name, group_id=name, properties=found)

    def training(self, n: int, *, rng: random.Random) -> Iterator[Sample]:
        """Yield any question of each picture that `rng` draws, whose seed lies below those of held-out samples."""
        for _ in range(n):
            picture = self.draw(rng)
            yield self._asked(picture, rng.choice(picture.questions))

    def _asked(self, picture: Picture, question: Question) -> Sample:
        return Sample(
            sample_id="",
            kind=question.kind,
            images=tuple(canvas.image for canvas in picture.canvases),
            question=question.text,
            answers=question.answers,
            rule=question.rule,
            fps=self.fps,
        )

    def _picture_with(self, kind: str, rng: random.Random) -> tuple[Picture, Question]:
        """Draw until a picture admits the kind: a relation needs two distinct objects.

        Raises: InputError where knobs are turned so that none does.
        """
        for _ in range(MOST_DRAWN):
            picture = self.draw(rng)
            fitting = [question for question in picture.questions if question.kind == kind]
            if fitting:
                return picture, rng.choice(fitting)
        raise InputError(f"{self} draws no picture of which a {kind!r} can be asked; turn its knobs back")


def properties(picture: Picture, question: Question) -> dict[str, float]:
    """Say what may make a question hard: how many objects, bars or lines, how much text, and where to look."""
    labels = np.concatenate([canvas.labels.reshape(-1, len(CHANNELS)) for canvas in picture.canvases])
    names = list(CHANNELS)
    found = {
        "n_objects": float((labels[:, names.index("part")] > 0).sum()),
        "text_density": round(float((labels[:, names.index("glyph")] > 0).mean()), 6),  # glyphs a patch
    }
    where = zip(("evidence_x", "evidence_y"), question.at or (), strict=False)
    return found | {name: round(share, 6) for name, share in where}


def paper(rng: random.Random) -> tuple[int, int, int]:
    """Draw a light, slightly tinted background."""
    return (rng.randint(225, 255), rng.randint(225, 255), rng.randint(225, 255))
