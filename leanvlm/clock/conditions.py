"""What is timed: single prompts as they come, and longer, more or larger ones along one axis at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from leanvlm.sample import Sample
from leanvlm.tables.timings import BASE


@dataclass(frozen=True)
class Condition:
    """A batch of prompts and how long each answer gets. `axis` says along which axis it lies; BASE lies on all."""

    axis: str
    samples: tuple[Sample, ...]
    new_tokens: int


def singles(samples: Sequence[Sample], new_tokens: int) -> list[Condition]:
    """Ask each sample alone."""
    return [Condition(BASE, (sample,), new_tokens) for sample in samples]


def along_axes(
    samples: Sequence[Sample],
    new_tokens: int,
    *,
    batch_sizes: Sequence[int] = (),
    lengths: Sequence[int] = (),
    pictures: Sequence[int] = (),
    sides: Sequence[int] = (),
) -> Iterator[Condition]:
    """Change the first sample's condition along one axis at a time.

    Takes: batch_sizes, prompts side by side, the samples in turn; lengths, tokens of an answer; pictures in the prompt,
    those of the samples in turn; sides, the longer one of each picture [pixels], which says how many tokens it becomes.
    """
    for n in batch_sizes:
        yield Condition("batch_size", tuple(samples[i % len(samples)] for i in range(n)), new_tokens)
    for n in lengths:
        yield Condition("new_tokens", (samples[0],), n)
    for n in pictures:
        shown = tuple(image for i in range(n) for image in samples[i % len(samples)].images[:1])
        yield Condition("pictures", (replace(samples[0], images=shown),), new_tokens)
    for side in sides:
        resized = tuple(_resized(image, side) for image in samples[0].pictures())
        yield Condition("resolution", (replace(samples[0], images=resized),), new_tokens)


def _resized(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
