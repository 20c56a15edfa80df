"""Drawn pages in the schemas of lmms-eval's tasks, in the folders of the current one where `datasets` looks first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leanvlm.benchmarks import documents, pages
from leanvlm.sample import Sample

N = 10  # samples of a task
MOST_PAGES = 20  # columns that MP-DocVQA has for them
INSTRUCTION = "\nAnswer the question using a single word or phrase."  # that the tasks of DocVQA end with
TASKS = {"docvqa_val": INSTRUCTION, "multidocvqa_val": INSTRUCTION, "docvqa_as_drawn": ""}
AS_DRAWN = """\
include: {folder}/docvqa/docvqa_val.yaml
task: docvqa_as_drawn
lmms_eval_specific_kwargs: {{default: {{pre_prompt: "", post_prompt: ""}}}}
"""
CARD = """\
---
configs:
- config_name: {config}
  data_files: [{{split: {split}, path: data.parquet}}]
dataset_info:
- config_name: {config}
  features:
{features}
---
"""


def samples(task: str) -> list[Sample]:
    """The samples of a task: of several pages each, or of one."""
    benchmark = pages.Benchmark() if task == "multidocvqa_val" else documents.Benchmark()
    return list(benchmark.samples(N, seed=5))


def write(folder: Path, tasks_of_lmms_eval: Path) -> None:
    """Write the data of `docvqa_val` and `multidocvqa_val`, and a task that asks them without DocVQA's instruction."""
    _docvqa(folder / "lmms-lab-encoder/DocVQA", samples("docvqa_val"))
    _multidocvqa(folder / "lmms-lab-encoder/MP-DocVQA", samples("multidocvqa_val"))
    (folder / "tasks").mkdir()
    (folder / "tasks/docvqa_as_drawn.yaml").write_text(AS_DRAWN.format(folder=tasks_of_lmms_eval))


def _docvqa(folder: Path, asked: Sequence[Sample]) -> None:
    rows = [
        _row(index, one) | {"image": _images(one)[0], "answers": list(one.answers)} for index, one in enumerate(asked)
    ]
    features = {"image": "dtype: image", "answers": "sequence: string"}
    _write(folder, rows, features, config="DocVQA", split="validation")


def _multidocvqa(folder: Path, asked: Sequence[Sample]) -> None:
    names = [f"image_{number}" for number in range(1, MOST_PAGES + 1)]
    rows = [
        _row(index, one) | dict.fromkeys(names) | dict(zip(names, _images(one), strict=False))
        | {"answers": str(list(one.answers))}
        for index, one in enumerate(asked)
    ]  # fmt: skip
    features = dict.fromkeys(names, "dtype: image") | {"answers": "dtype: string"}
    _write(folder, rows, features, config="default", split="val")


def _row(index: int, sample: Sample) -> dict[str, Any]:
    return {"questionId": str(index), "question": sample.question}


def _images(sample: Sample) -> list[dict[str, Any]]:
    return [{"bytes": file, "path": None} for file in sample.encoded()]


def _write(folder: Path, rows: list[dict[str, Any]], features: dict[str, str], *, config: str, split: str) -> None:
    folder.mkdir(parents=True)
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    kinds = {"dtype: image": image, "sequence: string": pa.list_(pa.string()), "dtype: string": pa.string()}
    declared = dict.fromkeys(("questionId", "question"), "dtype: string") | features
    schema = pa.schema([(name, kinds[kind]) for name, kind in declared.items()])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "data.parquet")
    lines = "\n".join(f"  - {{name: {name}, {kind}}}" for name, kind in declared.items())
    (folder / "README.md").write_text(CARD.format(config=config, split=split, features=lines))
