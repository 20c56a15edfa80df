"""One process that answers batches of a benchmark's samples with many recipes; several run side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.queues import SimpleQueue

import torch

from leanvlm import files
from leanvlm.engine.conversations import blocks
from leanvlm.engine.sweep import Answer, answer_all
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.processes.children import follow_parent
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from leanvlm.tables import samples

FILLED = 2  # times or more that a batch fills the rows which are decoded side by side
ASKED = ("sample_id", "turn", "question", "images", "fps", "max_new_tokens", "stop_texts")  # what a model is asked by
LEAST = 16  # samples of a batch: what a kill can lose, and what is kept in a file of its own


def read_samples(benchmark: str) -> Iterator[Sample]:
    """Read, one after the other, what a model is asked of a benchmark's samples; the right answers stay behind."""
    rows = samples.TABLE.stream(files.samples(benchmark), columns=ASKED)
    return (Sample(**row | {name: tuple(row[name]) for name in ("images", "stop_texts")}) for row in rows)


def sample_ids(benchmark: str) -> list[str]:
    """List the ids of a benchmark's samples, in order."""
    ids: list[str] = samples.TABLE.read(files.samples(benchmark), columns=["sample_id"])["sample_id"].to_pylist()
    return ids


_number = 0  # of this process among the workers of its pool
_held: dict[Checkpoint, LoadedModel] = {}  # the one checkpoint that this process holds


def start_worker(numbers: SimpleQueue[int]) -> None:
    """Prepare a worker process: one thread, so that an answer does not depend on how many workers there are.

    Takes: numbers, one for each worker of a pool.
    """
    global _number
    follow_parent()
    torch.set_num_threads(1)
    _number = numbers.get()


def loaded(checkpoint: Checkpoint) -> LoadedModel:
    """Load a checkpoint once per process; the one before it is let go first, since two may not fit.

    Workers take the GPUs in turn; with a device map all of them share all GPUs.
    """
    if checkpoint not in _held:
        _held.clear()
        if checkpoint.device == "cuda" and torch.cuda.is_available():  # where there is none, loading says so
            torch.cuda.set_device(_number % torch.cuda.device_count())
        _held[checkpoint] = load_model(**vars(checkpoint))
    return _held[checkpoint]


def answer_batch(
    checkpoint: Checkpoint,
    batch: Sequence[Sample],
    recipes: Sequence[str],
    *,
    limit: int,
    rows: int,
    features: FeatureStore | None = None,
) -> list[tuple[str, str, Answer]]:
    """Answer some samples together; return (recipe, sample_id, answer) for each sample and recipe."""
    parsed = [parse(text) for text in recipes]
    answers = answer_all(loaded(checkpoint), batch, parsed, limit=limit, rows=rows, features=features)
    return [(recipe.text, sample_id, found) for sample_id, recipe, found in answers]


def batch_size(n_recipes: int, rows: int) -> int:
    """Say how many samples a batch has, so that its answers fill the rows several times: the last leave some empty."""
    return LEAST * math.ceil(FILLED * rows / (LEAST * n_recipes))


def batches(asked: Iterable[Sample], n_recipes: int, rows: int) -> list[list[Sample]]:
    """Cut samples into batches; a conversation stays in one."""
    return list(blocks(asked, size=batch_size(n_recipes, rows)))
