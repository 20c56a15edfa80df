"""`leanvlm grade`: what answers are worth, by our rules or as a harness grades them."""

from __future__ import annotations

import json
import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from leanvlm import grading, right_answers
from leanvlm.commands import Command
from leanvlm.commands._arguments import path
from leanvlm.errors import InputError
from leanvlm.grading import published
from leanvlm.grading.cases import Case, read
from leanvlm.predictions import lines
from leanvlm.printing import FORMATS

Grade = float | list[float] | None

OURS = "ours"
STANDARD_INPUT = Path("-")
DETAILS = """\
Reads a JSON object a line and prints a grade a line, in the same order; all lines are checked before one is printed.

keys
    benchmark                             text: a task of lmms-eval (docvqa_val, mmbench_en_dev, ...), or its name here
    answer                                text: what the model said, or the judge about it
    gold                                  list of text: the right answers; of a choice, the letter
    options                               list of text: what could be chosen, in order: A, B, ...
    question_type, answer_type, dataset   text, and
    precision                             whole number: where the benchmark has them, named as it names them
    rule                                  text, for ours: a rule of leanvlm/grading, else the benchmark's own

--harness ours grades by our rules, paper as the fork of lmms-eval behind EffiVLM-Bench's numbers, today as lmms-eval
0.7.3, both with their mistakes. A grade is from 0 to 1; a letter that would be drawn by lot is worth its chance. What
a judge said (dc100_en, llava_wilder_small, mmvet) is read on the judge's scale, for llava_wilder_small as two numbers.
null stands where a judge would be asked; for ours also where a judge's reply cannot be read, and where no answer can be
compared with the right one, which standard error then tells. MathVista's judge is taken to repeat the answer."""


def run(arguments: Namespace) -> None:
    """Print a grade for each line.

    Raises: InputError naming the first line that cannot be graded.
    """
    cases = list(_read(arguments.file, is_ours=arguments.harness == OURS))
    grades = _by_ours(cases) if arguments.harness == OURS else [_as_in(arguments.harness, case) for case in cases]
    if arguments.format == "table":
        print("\n".join(map(_line, grades)))
    else:
        print(FORMATS[arguments.format](["grade"], [[grade] for grade in grades]))


def _read(file: Path, *, is_ours: bool) -> Iterator[Case]:
    name = "standard input" if file == STANDARD_INPUT else str(file)
    for number, value in _from_standard_input(name) if file == STANDARD_INPUT else lines.read(file):
        yield read(value, place=f"{name} line {number}", is_ours=is_ours)


def _from_standard_input(name: str) -> Iterator[tuple[int, Any]]:
    if sys.stdin is None:
        raise InputError(f"{name} is closed; write JSON lines to it, or name a file")
    return lines.read_from(sys.stdin.buffer, name=name)


def _as_in(harness: str, case: Case) -> Grade:
    """Grade as a harness does, which strips what a model said, and not what a judge did."""
    is_reply = case.benchmark in published.JUDGED
    answer = case.answer if is_reply else case.answer.strip()
    return published.load(f"{harness}/{case.benchmark}")(answer, case.asked)


def _by_ours(cases: Sequence[Case]) -> list[Grade]:
    """Grade as the pipeline does; a judge's reply is read."""
    grades: list[Grade] = [None if case.rule else published.read(case.benchmark, case.answer) for case in cases]
    comparable = {index: case for index, case in enumerate(cases) if case.rule and _is_comparable(case)}
    keys = [{"model": "", "recipe": "", "benchmark": "", "sample_id": f"{index:012}"} for index in comparable]
    samples = [
        {**key, "rule": case.rule, "answers": case.asked.answers, "options": case.asked.options}
        for key, case in zip(keys, comparable.values(), strict=True)
    ]
    answers = [{**key, "answer": case.answer} for key, case in zip(keys, comparable.values(), strict=True)]
    if comparable:
        graded = grading.grade(pa.Table.from_pylist(answers), pa.Table.from_pylist(samples, schema=grading.SAMPLES))
        for index, grade in zip(comparable, graded.column("grade").to_pylist(), strict=True):
            grades[index] = grade
    return grades


def _is_comparable(case: Case) -> bool:
    """Say, and tell why not, whether an answer can be compared with the right ones: harnesses take blank ones, too."""
    try:
        right_answers.refuse_unfit(case.asked.answers, place=case.place)
    except InputError as error:
        print(f"leanvlm: {error}; its grade is null", file=sys.stderr)
        return False
    return True


def _line(grade: Grade) -> str:
    """Write a grade as JSON, which has no word for what a judge may call a number and is none."""
    numbers = grade if isinstance(grade, list) else [grade]
    is_number = all(number is not None and math.isfinite(number) for number in numbers)
    return json.dumps(grade if is_number else None)


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=path, metavar="FILE", help="JSON lines; - is standard input")
    parser.add_argument(
        "--harness",
        choices=(OURS, *published.HARNESSES),
        default=OURS,
        help="whose rules grade (default: %(default)s)",
    )


COMMAND = Command(
    name="grade",
    says="print what answers are worth, by our rules or as a harness grades them",
    details=DETAILS,
    example="leanvlm grade answers.jsonl --harness paper",
    run=run,
    takes=_takes,
)
