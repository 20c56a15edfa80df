"""One process that answers a slice of a benchmark's samples with many recipes; several run side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from leanvlm.engine.sweep import Answer, answer
from leanvlm.models._model import LoadedModel, load_model
from leanvlm.processes import die_with_parent
from leanvlm.recipe import parse
from leanvlm.tables import samples


@dataclass(frozen=True)
class Checkpoint:
    """Which weights to load, and how."""

    architecture: str
    folder: Path
    dtype: str
    device: str


@dataclass(frozen=True)
class Asked:
    """One sample as a worker needs it."""

    sample_id: str
    question: str
    images: tuple[bytes, ...]  # PNG
    fps: float | None = None  # of a video, whose frames the images are

    def pictures(self) -> list[Image.Image]:
        """Decode the images."""
        return [Image.open(io.BytesIO(png)).convert("RGB") for png in self.images]


def read_asked(benchmark: str) -> list[Asked]:
    """Read a benchmark's samples as the workers need them."""
    table = samples.TABLE.read(samples.path(benchmark), columns=["sample_id", "question", "images", "fps"])
    return [Asked(row["sample_id"], row["question"], tuple(row["images"]), row["fps"]) for row in table.to_pylist()]


def start_worker() -> None:
    """Prepare a worker process: one thread, so that an answer does not depend on how many workers there are."""
    die_with_parent()
    torch.set_num_threads(1)


_held: dict[Checkpoint, LoadedModel] = {}  # the one checkpoint that this process holds


def loaded(checkpoint: Checkpoint) -> LoadedModel:
    """Load a checkpoint once per process; the one before it is let go first, since two may not fit."""
    if checkpoint not in _held:
        _held.clear()
        _held[checkpoint] = load_model(
            checkpoint.architecture, checkpoint.folder, dtype=checkpoint.dtype, device=checkpoint.device
        )
    return _held[checkpoint]


def answer_sample(
    checkpoint: Checkpoint, asked: Asked, recipes: Sequence[str], limit: int
) -> list[tuple[str, str, Answer]]:
    """Answer one sample; return (recipe, sample_id, answer) for each recipe."""
    answers = answer(
        loaded(checkpoint),
        asked.pictures(),
        asked.question,
        asked.sample_id,
        [parse(text) for text in recipes],
        limit=limit,
        fps=asked.fps,
    )
    return [(recipe.text, asked.sample_id, found) for recipe, found in answers]
