"""Examine the embedded model on held-out samples, through the engine that users run: `python -m leanvlm.training.exam`.

Writes exam.json beside the weights: accuracy by benchmark and kind, graded by the benchmark's own rule, with n.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from leanvlm import grading, plugins
from leanvlm.benchmarks._benchmark import Sample
from leanvlm.engine.decode import ROWS
from leanvlm.engine.worker import Asked, Checkpoint, answer_batch, batches, start_worker

FOLDER = Path("artifacts/models/embedded")
SEED = 1  # not the grid's seed 0: the model was chosen while looking at neither
EVERY = {"easy_vqa": 9673, "documents": 1000, "charts": 1000, "scenes": 1000, "pages": 500}


def main() -> None:
    """Ask, grade, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="share of the samples to ask")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    result = {}
    for name, n in EVERY.items():
        result[name] = examine(name, round(n * arguments.share), arguments.folder)
        print(name, json.dumps(result[name]), flush=True)
    (arguments.folder / "exam.json").write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")


def examine(name: str, n: int, folder: Path) -> dict[str, float]:
    """Return mean grades of one benchmark: "all", "short" (what is not a description) and by kind, and n."""
    kinds: dict[str, list[float]] = defaultdict(list)
    samples, grades = graded(name, n, folder)
    for sample, grade in zip(samples, grades, strict=True):
        for kind in {"all", sample.kind, "all" if sample.kind == "describe" else "short"}:
            kinds[kind].append(grade)
    return {"n": len(samples), **{kind: round(sum(values) / len(values), 4) for kind, values in kinds.items()}}


def graded(name: str, n: int, folder: Path) -> tuple[list[Sample], list[float]]:
    """Ask a checkpoint `n` samples of one benchmark; return them and what its answers are worth, in order."""
    samples = list(plugins.load("benchmarks", name)().samples(n, seed=SEED))
    checkpoint = Checkpoint("llava_onevision", folder, "float32", "cpu")
    ask = partial(answer_batch, checkpoint, recipes=["controls/full"], limit=48, rows=ROWS)
    asked = [Asked(one.sample_id, one.question, one.pngs(), one.fps) for one in samples]
    with ProcessPoolExecutor(2, get_context("spawn"), start_worker) as pool:
        answered = pool.map(ask, batches(asked, 1, ROWS))
        found = {sample_id: said.answer for rows in answered for _, sample_id, said in rows}
    return samples, _grades(name, samples, [found[sample.sample_id] for sample in samples])


def _grades(name: str, samples: list[Sample], found: list[str]) -> list[float]:
    """Grade with the same SQL as the pipeline."""
    keys = {"benchmark": [name] * len(samples), "sample_id": [sample.sample_id for sample in samples]}
    asked = pa.table({**keys, "answers": [list(s.answers) for s in samples], "rule": [s.rule for s in samples]})
    said = pa.table({**keys, "model": [""] * len(found), "recipe": [""] * len(found), "answer": found})
    graded = {row["sample_id"]: row["grade"] for row in grading.grade(said, asked).to_pylist()}
    return [graded[sample.sample_id] for sample in samples]


if __name__ == "__main__":
    main()
