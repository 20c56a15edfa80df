"""A sample: one question with its pictures, as a benchmark draws it, a worker carries it and a model is asked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from leanvlm import pictures
from leanvlm.errors import InputError


@dataclass(frozen=True)
class Published:
    """How the owners of a public benchmark grade an answer, and how they sum the grades up.

    `rule` is a harness and a file of leanvlm/grading/published, as in "paper/docvqa". `aggregate` is mean,
    mean_of_1000, mean_of_kinds, over_reference, pairs or circular. `facts` are what their rule reads beside answers and
    options: question_type, answer_type, precision, dataset.
    """

    rule: str
    aggregate: str = "mean"
    facts: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One question about one to many pictures, or none. Samples of one picture share `group_id`.

    A later turn of a conversation, `turn` 2 or more, is asked after the model's own answers to the turns before it, and
    about their pictures: it has none itself. The turns of a conversation share `group_id` and follow each other.
    """

    sample_id: str
    question: str
    images: tuple[Image.Image | bytes, ...] = ()  # pictures, or files of them
    fps: float | None = None  # frames per second, where the images are the frames of one video
    group_id: str = ""
    turn: int = 1  # which question of its conversation it is
    kind: str = ""  # what the question asks for
    answers: tuple[str, ...] = ()  # any of them is right
    rule: str = ""  # that grades an answer, a file of leanvlm/grading
    options: tuple[str, ...] = ()  # what can be chosen, in order: A, B, ...
    max_new_tokens: int | None = None  # most of an answer, where the benchmark says it; else answer.max_new_tokens
    stop_texts: tuple[str, ...] = ()  # the first of them ends the answer, and is no part of it
    published: Published | None = None  # how the benchmark's owners grade, where they do
    judge: str = ""  # what a judge is asked where no rule can say, a file of leanvlm/judging
    properties: Mapping[str, float] = field(default_factory=dict)  # what may make it hard, where the benchmark knows
    later: tuple[Sample, ...] = ()  # the turns that follow, where a model is asked all of a conversation

    def pictures(self) -> list[Image.Image]:
        """Show the images as RGB; see leanvlm/pictures.py.

        Raises: InputError naming the sample for an image that cannot be shown.
        """
        return [self._shown(index, image) for index, image in enumerate(self.images)]

    def encoded(self) -> tuple[bytes, ...]:
        """Give each picture as a file: one that came in a file as its bytes, a drawn one as PNG.

        Raises: as `pictures`, also for a file that cannot be shown.
        """
        shown = zip(self.images, self.pictures(), strict=True)
        return tuple(image if isinstance(image, bytes) else pictures.png(picture) for image, picture in shown)

    def _shown(self, index: int, image: Image.Image | bytes) -> Image.Image:
        try:
            return pictures.shown(pictures.decoded(image) if isinstance(image, bytes) else image)
        except InputError as error:
            number = f" {index + 1}" if len(self.images) > 1 else ""
            raise InputError(f"sample {self.sample_id!r}: its picture{number} {error}") from None
