"""Predictions as lmms-eval logs them: a JSON object a line, with the grade among its metrics.

Source:  github.com/EvolvingLMMs-Lab/lmms-eval, lmms_eval/loggers/evaluation_tracker.py, save_results_samples (read, not
         copied): OUTPUT/MODEL/DATE_samples_TASK.jsonl, a line of doc_id, target, filtered_resps and a value a metric.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from leanvlm import grading
from leanvlm.errors import InputError
from leanvlm.predictions.columns import SCHEMA

# what a line holds beside its metrics
NO_METRICS = {"doc_id", "doc", "target", "arguments", "input", "resps", "filtered_resps", "filter", "metrics"}

MOST = 1e12  # above any metric's scale


@dataclass(frozen=True)
class Line:
    """One sample's answer, and every number that may be its grade."""

    row: dict[str, Any]
    numbers: dict[str, float]

    @property
    def place(self) -> str:
        """Say where it stands."""
        return f"{self.row['file']} line {self.row['line']}"


def read(folder: Path, paths: Sequence[Path], *, model: str | None, grades: Mapping[str, str]) -> list[pa.Table]:
    """Read the samples of every recipe and task, a table a task.

    Raises: InputError naming the file and line that is wrong, or a grade that must be chosen.
    """
    by_task: dict[str, list[Line]] = {}
    for path in paths:
        by_task.setdefault(path.stem.partition("samples_")[2], []).extend(_lines(folder, path, model))
    unknown = [task for task in grades if task not in by_task]
    if unknown:
        raise InputError(f"--grade {unknown[0]}: no such task; the samples are of {', '.join(by_task) or 'none'}")
    rows = [[_graded(line, grade) for line in lines] for grade, lines in _with_grade(by_task, grades)]
    return [pa.Table.from_pylist(of_task, schema=SCHEMA) for of_task in rows]


def _with_grade(by_task: Mapping[str, list[Line]], grades: Mapping[str, str]) -> Iterator[tuple[str, list[Line]]]:
    for task, lines in by_task.items():
        shared = set.intersection(*(set(line.numbers) for line in lines)) if lines else set()
        yield _grade(task, sorted(shared), grades.get(task)), lines


def _grade(task: str, metrics: Sequence[str], asked: str | None) -> str:
    """Say which metric, or rule, grades a task; without an ambiguity nobody needs to be asked."""
    named = asked.partition("/")[0] if asked else None
    if asked and (named in metrics or asked in grading.rules()):
        return asked
    has = f"every line has the numbers {', '.join(metrics)}" if metrics else "no number is in every line"
    rules = f"the rules are {', '.join(grading.rules())}"
    if asked:
        raise InputError(f"--grade {task}={asked} is neither a number of its lines nor a rule; {has}; {rules}")
    if len(metrics) != 1:
        raise InputError(
            f"the grade of {task} is not clear: {has}; choose with --grade {task}=NAME, or a rule; {rules}"
        )
    return metrics[0]


def _graded(line: Line, grade: str) -> dict[str, Any]:
    name, _, most = grade.partition("/")
    if name not in line.numbers:
        return line.row | {"rule": grade}
    if most and not (most.isdecimal() and int(most)):
        raise InputError(f"--grade {grade!r}: a grade is divided by a whole number above 0, as in {name}/100")
    worth = line.numbers[name] / float(most or 1)
    if not 0 <= worth <= 1:
        raise InputError(
            f"{line.place}: {name} is {line.numbers[name]:g}, and a grade is from 0 to 1; "
            f"divide it by its most with --grade {line.row['benchmark']}={name}/100"
        )
    return line.row | {"grade": worth}


def _lines(folder: Path, path: Path, model: str | None) -> Iterator[Line]:
    recipe, *between = path.relative_to(folder).parts[:-1] or (None,)
    if recipe is None:
        raise InputError(f"{path} lies in no folder of its recipe; put each recipe's files into one: {folder}/RECIPE/")
    if model is None and not between:
        raise InputError(f"{path} lies in no folder of its model, as lmms-eval writes it; name the model with --model")
    named = {"model": model or between[-1], "recipe": recipe, "benchmark": path.stem.partition("samples_")[2]}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines would cut answers at rarer line ends
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text ({error}); write it again") from error
    if not any(map(str.strip, lines)):
        raise InputError(f"{path} is empty; delete it, or write it again")
    for number, text in enumerate(lines, start=1):
        if text.strip():
            yield _line(named | {"file": str(path), "line": number}, text)


def _line(named: dict[str, Any], text: str) -> Line:
    place = f"{named['file']} line {named['line']}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is cut off or not JSON ({error}); write the file again") from error
    lacking = [key for key in ("doc_id", "target", "filtered_resps") if not isinstance(found, dict) or key not in found]
    if lacking:
        raise InputError(f"{place} lacks {lacking[0]}; lmms-eval writes it with --log_samples")
    said = found["filtered_resps"]
    while isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, str) or not _is_text(f"{said}{found['doc_id']}{found['target']}"):
        shown = ascii(found["filtered_resps"])[:60]
        raise InputError(f"{place}: filtered_resps is {shown}; one answer as text can be scored")
    row = named | {"sample_id": str(found["doc_id"]), "answer": said, "answers": _targets(str(found["target"]))}
    return Line(row, dict(_numbers(found)))


def _is_text(said: str) -> bool:
    """Say whether no half of a surrogate pair is in it, which JSON can write and no file can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in said)


def _targets(text: str) -> list[str]:
    """Read a target; lmms-eval writes a list of right answers as Python does."""
    if text.startswith("["):
        try:
            return [str(one) for one in ast.literal_eval(text)]
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass  # an answer that begins with a bracket
    return [text]


def _numbers(found: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        number = value.get("score") if isinstance(value, dict) else value
        if name not in NO_METRICS and isinstance(number, int | float) and abs(number) < MOST:
            yield name, float(number)
