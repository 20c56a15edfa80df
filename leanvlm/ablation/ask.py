"""Ask a few recipes the questions of every level, in the same workers that answer the grid."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from leanvlm import grading
from leanvlm.ablation.levels import Level
from leanvlm.benchmarks._benchmark import Sample
from leanvlm.engine.worker import Asked, Checkpoint, answer_batch, batches, start_worker
from leanvlm.params import Answering
from leanvlm.tables.ablation import TABLE

Row = dict[str, Any]


def ask(
    checkpoint: Checkpoint, recipes: Sequence[str], asked: Sequence[Level], *, n: int, seed: int, answering: Answering
) -> list[Row]:
    """Return one row per recipe, level and sample, graded; the key `model` is left to the caller."""
    samples = {level: list(level.built().samples(n, seed=seed)) for level in asked}
    run = partial(answer_batch, checkpoint, recipes=list(recipes), limit=answering.max_new_tokens, rows=answering.rows)
    positions = {level: i for _, own in groupby(asked, key=_knob) for i, level in enumerate(own)}
    rows: list[Row] = []
    with ProcessPoolExecutor(answering.workers, get_context("spawn"), start_worker) as pool:
        for level, drawn in tqdm(samples.items(), "ablation", unit="level"):
            cut = batches(
                [Asked(one.sample_id, one.question, one.pngs(), one.fps) for one in drawn], len(recipes), answering.rows
            )
            said = [found for batch in pool.map(run, cut) for found in batch]
            rows += _graded(level, positions[level], drawn, [(text, key, one.answer) for text, key, one in said])
    return rows


def _knob(level: Level) -> tuple[str, str]:
    return level.benchmark, level.knob


def _graded(level: Level, position: int, drawn: Sequence[Sample], said: Sequence[tuple[str, str, str]]) -> list[Row]:
    """Grade with the same SQL as the grid."""
    named = {"benchmark": level.name, "model": ""}
    answers = pa.Table.from_pylist([{**named, "recipe": r, "sample_id": key, "answer": a} for r, key, a in said])
    keys = [{"sample_id": one.sample_id, "answers": list(one.answers), "rule": one.rule} for one in drawn]
    grades = grading.grade(answers, pa.Table.from_pylist([{"benchmark": level.name, **key} for key in keys]))
    worth = {(row["recipe"], row["sample_id"]): row["grade"] for row in grades.to_pylist()}
    place = {"benchmark": level.benchmark, "knob": level.knob, "position": position, "level": level.level}
    return [
        {**place, "recipe": recipe, "sample_id": key, "answer": answer, "grade": float(worth[recipe, key])}
        for recipe, key, answer in said
    ]


def table(rows: Sequence[Row]) -> pa.Table:
    """Order rows by their keys, so that the file does not depend on who answered first."""
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in TABLE.keys))
    return pa.Table.from_pylist(ordered)
