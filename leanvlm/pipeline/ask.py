"""Ask one checkpoint samples that were just drawn, outside the grid, and grade what it says."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from leanvlm import grading
from leanvlm.engine.pool import answers
from leanvlm.engine.sweep import Answer
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Graded:
    """What one recipe said to one sample, and its grade, 0 to 1."""

    recipe: str
    sample_id: str
    answer: str
    grade: float


def ask(
    pool: ProcessPoolExecutor,
    checkpoint: Checkpoint,
    recipes: Sequence[str],
    samples: Sequence[Sample],
    *,
    limit: int,
    rows: int,
) -> list[Graded]:
    """Ask every recipe every sample and grade what was said, with the same SQL as the grid."""
    return _graded(samples, answers(pool, checkpoint, recipes, samples, limit=limit, rows=rows))


def _graded(samples: Sequence[Sample], said: Sequence[tuple[str, str, Answer]]) -> list[Graded]:
    named = {"benchmark": "", "model": ""}
    answers = [{**named, "recipe": recipe, "sample_id": key, "answer": one.answer} for recipe, key, one in said]
    keys = [
        {
            "benchmark": "",
            "sample_id": one.sample_id,
            "answers": list(one.answers),
            "rule": one.rule,
            "options": list(one.options),
        }
        for one in samples
    ]
    grades = grading.grade(
        pa.Table.from_pylist(answers), pa.Table.from_pylist(keys, schema=grading.SAMPLES)
    ).to_pylist()
    worth = {(row["recipe"], row["sample_id"]): float(row["grade"]) for row in grades}
    return [Graded(recipe, key, one.answer, worth[recipe, key]) for recipe, key, one in said]
