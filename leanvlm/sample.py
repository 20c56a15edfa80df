"""A sample: one question with its pictures, as a benchmark draws it, a worker carries it and a model is asked it."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One question about one to many pictures, or none. Samples of one picture share `group_id`."""

    sample_id: str
    question: str
    images: tuple[Image.Image | bytes, ...] = ()  # pictures, or PNG files of them
    fps: float | None = None  # frames per second, where the images are the frames of one video
    group_id: str = ""
    kind: str = ""  # what the question asks for
    answers: tuple[str, ...] = ()  # any of them is right
    rule: str = ""  # that grades an answer, a file of leanvlm/grading

    def pictures(self) -> list[Image.Image]:
        """Decode the images."""
        return [
            Image.open(io.BytesIO(image)).convert("RGB") if isinstance(image, bytes) else image for image in self.images
        ]

    def encoded(self) -> tuple[bytes, ...]:
        """Encode the images as PNG, without loss; bytes stay as they are."""
        return tuple(image if isinstance(image, bytes) else png(image) for image in self.images)


def png(image: Image.Image) -> bytes:
    """Encode one picture without loss."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
