"""easy_vqa: one coloured shape on a 64-pixel image; asks for its shape, its colour, or whether it is there.

Source:  the PyPI package easy-vqa 1.0 (Zhou 2019, MIT licence), a public data set that this project did not make. Read
         from the package at run time; nothing of it is redistributed. The train split trains, the test split grades.
Grading: exact; answers are one of 13 words.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import easy_vqa
import numpy as np
from PIL import Image

from leanvlm import pictures
from leanvlm.benchmarks import _benchmark
from leanvlm.benchmarks._benchmark import Picture, Question
from leanvlm.benchmarks._canvas import COLOR_IDS, COLORS, KIND_IDS, PART_IDS, PATCH, TILE, Canvas
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(_benchmark.Benchmark):
    """The public data set as it is: it has no knobs."""

    kinds = ("question",)

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield `n` questions of the test split in an order that `seed` fixes."""
        questions, answers, image_ids = easy_vqa.get_test_questions()
        paths = easy_vqa.get_test_image_paths()
        order = list(range(len(questions)))
        random.Random(seed).shuffle(order)
        for index in order[:n]:
            image = pictures.read(Path(paths[image_ids[index]]))
            yield Sample(
                sample_id=f"{index:05d}",
                group_id=f"{image_ids[index]:05d}",
                kind="question",
                images=(image,),
                question=questions[index],
                answers=(answers[index],),
                rule="exact",
            )

    def training(self, n: int, *, rng: random.Random) -> Iterator[Sample]:
        """Yield questions of the train split, which has other images than the test split."""
        questions, answers, image_ids = easy_vqa.get_train_questions()
        paths = easy_vqa.get_train_image_paths()
        for _ in range(n):
            index = rng.randrange(len(questions))
            yield Sample(
                sample_id="",
                kind="question",
                images=(pictures.read(Path(paths[image_ids[index]])),),
                question=questions[index],
                answers=(answers[index],),
                rule="exact",
            )

    def training_pictures(self) -> list[Picture]:
        """Read the train split, one picture an image, with patch labels derived from its own questions."""
        questions: dict[int, list[Question]] = defaultdict(list)
        for text, answer, image_id in zip(*easy_vqa.get_train_questions(), strict=True):
            questions[image_id].append(Question("question", text, (answer,), "exact"))
        paths = easy_vqa.get_train_image_paths()
        return [
            Picture((_PhotoCanvas(pictures.read(Path(paths[image_id])), asked),), tuple(asked))
            for image_id, asked in sorted(questions.items())
        ]


class _PhotoCanvas(Canvas):
    """A canvas whose pixels are given."""

    def __init__(self, photo: Image.Image, asked: list[Question]) -> None:
        super().__init__()
        self._photo = photo.resize((TILE * PATCH, TILE * PATCH), Image.Resampling.BICUBIC)
        pixels = np.asarray(self._photo).astype(int)
        inside = np.abs(pixels - pixels[2, 2]).sum(-1) > 30
        share = inside.reshape(TILE, PATCH, TILE, PATCH).mean((1, 3))
        said = {answer for question in asked for answer in question.answers}
        color = next((COLOR_IDS[word] for word in COLORS if word in said), 0)
        kind = next((KIND_IDS[word] for word in KIND_IDS if word in said), 0)
        self.labels[share > 0.4, 1:3] = color, kind
        if inside.any():
            row, column = (int(axis.mean() // PATCH) for axis in inside.nonzero())
            self.labels[row, column, 3] = PART_IDS["center"]

    @property
    def image(self) -> Image.Image:
        return self._photo
