"""One process that answers batches of a benchmark's samples with many recipes; several run side by side."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from leanvlm import files
from leanvlm.engine.reading import Question
from leanvlm.engine.sweep import Answer, answer_all
from leanvlm.models._model import LoadedModel, load_model
from leanvlm.processes.children import die_with_parent
from leanvlm.recipes import parse
from leanvlm.tables import samples

FILLED = 4  # times that a batch fills the rows which are decoded side by side


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
    table = samples.TABLE.read(files.samples(benchmark), columns=["sample_id", "question", "images", "fps"])
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


def answer_batch(
    checkpoint: Checkpoint, batch: Sequence[Asked], recipes: Sequence[str], *, limit: int, rows: int
) -> list[tuple[str, str, Answer]]:
    """Answer some samples together; return (recipe, sample_id, answer) for each sample and recipe."""
    asked = [Question(one.sample_id, one.question, one.pictures(), one.fps) for one in batch]
    parsed = [parse(text) for text in recipes]
    answers = answer_all(loaded(checkpoint), asked, parsed, limit=limit, rows=rows)
    return [(recipe.text, sample_id, found) for sample_id, recipe, found in answers]


def batches(asked: Sequence[Asked], n_recipes: int, rows: int) -> list[Sequence[Asked]]:
    """Cut samples into batches whose answers fill the rows several times: the last ones leave some empty."""
    size = math.ceil(FILLED * rows / n_recipes)
    return [asked[start : start + size] for start in range(0, len(asked), size)]
