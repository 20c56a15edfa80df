"""Predictions as lmms-eval logs them: a JSON object a line, with the grade among its metrics.

Source:  github.com/EvolvingLMMs-Lab/lmms-eval, lmms_eval/loggers/evaluation_tracker.py, save_results_samples (read, not
         copied): OUTPUT/MODEL/DATE_samples_TASK.jsonl, a line of doc_id, target, filtered_resps and a value a metric.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from leanvlm import targets
from leanvlm.errors import InputError
from leanvlm.predictions import lines, numbers, places
from leanvlm.predictions.columns import HASHES, SCHEMA
from leanvlm.texts import is_whole

# what a line holds beside its metrics
NO_METRICS = {"doc_id", "doc", "target", "arguments", "input", "resps", "filtered_resps", "filter", "metrics", *HASHES}


@dataclass(frozen=True)
class Line:
    """One sample's answer, and everything that may be its grade."""

    row: dict[str, Any]
    target: object
    values: dict[str, float | None]  # by metric; None is no number, nan is one that is missing

    @property
    def place(self) -> str:
        """Say where it stands."""
        return "{file} line {line}".format(**self.row)

    @property
    def sample(self) -> str:
        """Say where it stands, and which sample's it is."""
        return "{file} line {line}: sample {sample_id} of {benchmark}".format(**self.row)


def read(folder: Path, paths: Sequence[Path], *, model: str | None, grades: Mapping[str, str]) -> list[pa.Table]:
    """Read the samples of every recipe and task, a table a task.

    Raises: InputError naming the file and line that is wrong, or a grade that must be chosen.
    """
    by_task: dict[str, list[Line]] = {}
    for path in paths:
        named = places.named(folder, path, model)
        by_task.setdefault(named["benchmark"], []).extend(
            _line(named | {"file": str(path), "line": number}, found) for number, found in lines.read(path)
        )
    unknown = [task for task in grades if task not in by_task]
    if unknown:
        raise InputError(f"--grade {unknown[0]}: no such task; the samples are of {', '.join(by_task) or 'none'}")
    return [_graded(task, of_task, grades.get(task)) for task, of_task in by_task.items()]


def _graded(task: str, of_task: Sequence[Line], asked: str | None) -> pa.Table:
    complete, partial = _numbers(of_task)
    grade = numbers.chosen(task, complete, partial, asked)
    if isinstance(grade, str):
        rows = [line.row | {"rule": grade, "answers": targets.read(line.target, place=line.sample)} for line in of_task]
    else:
        rows = [line.row | {"grade": _worth(line, grade), "answers": _if_readable(line)} for line in of_task]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _numbers(of_task: Sequence[Line]) -> tuple[list[str], list[str]]:
    """List the metrics that every line has, if only a missing one, and of them those that are a number in part."""
    shared = set.intersection(*(set(line.values) for line in of_task))
    some = sorted(name for name in shared if any(math.isfinite(_or_nan(line.values[name])) for line in of_task))
    complete = [name for name in some if all(line.values[name] is not None for line in of_task)]
    return complete, [name for name in some if name not in complete]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _worth(line: Line, grade: numbers.Number) -> float:
    return grade.grade(_or_nan(line.values[grade.name]), place=line.place)


def _if_readable(line: Line) -> list[str] | None:
    """Read the right answers of a sample that is graded already; whatever they are, the grade stands."""
    try:
        return targets.read(line.target, place=line.sample)
    except InputError:
        return None


def _line(named: dict[str, Any], found: object) -> Line:
    place = "{file} line {line}".format(**named)
    if not isinstance(found, dict):
        raise InputError(f"{place} lacks doc_id; lmms-eval writes it with --log_samples")
    lacking = [key for key in ("doc_id", "target", "filtered_resps") if key not in found]
    if lacking:
        raise InputError(f"{place} lacks {lacking[0]}; lmms-eval writes it with --log_samples")
    doc_id = found["doc_id"]
    if not isinstance(doc_id, int | str) or not is_whole(str(doc_id)):
        raise InputError(f"{place}: doc_id is {ascii(doc_id)[:60]}; a sample is named by a number or a text")
    row = named | {"sample_id": str(doc_id), "answer": _answer(found["filtered_resps"], place)}
    hashes = {name: str(found[name]) for name in HASHES if found.get(name) is not None}
    return Line(row | hashes, found["target"], dict(_values(found)))


def _answer(said: object, place: str) -> str:
    answer = said
    while isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, str) or not is_whole(answer):
        raise InputError(f"{place}: filtered_resps is {ascii(said)[:60]}; one answer as text can be scored")
    return answer


def _values(found: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for name, value in found.items():
        if name not in NO_METRICS:
            yield name, _number(value.get("score") if isinstance(value, dict) else value)


def _number(value: object) -> float | None:
    """Read a number; null is a missing one, as it is written where a judge failed."""
    if value is None:
        return math.nan
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None  # beyond any metric's scale
