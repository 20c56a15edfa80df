"""Which answers a judge must be asked about: what no rule can grade, and what their owners' rule leaves open."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from leanvlm import files, grading
from leanvlm.grading import published
from leanvlm.judging import Asked
from leanvlm.tables import answers, samples

ASKED = ("sample_id", "question", "answers", "options", "facts", "judge", "images")
GRADED = ("benchmark", "sample_id", "answers", "rule", "options", "published_rule", "facts", "judge")
OPEN = """
select distinct
    answers.benchmark,
    answers.sample_id,
    answers.answer
from answers
inner join samples
    on answers.benchmark = samples.benchmark and answers.sample_id = samples.sample_id
left join published
    on
        answers.benchmark = published.benchmark
        and answers.sample_id = published.sample_id
        and answers.answer = published.answer
where
    samples.judge is not null
    and answers.refusal is null
    and not is_blank(answers.answer)
    and (
        samples.rule = $judged
        or (samples.published_rule is not null and coalesce(published.asks_judge, true))
    )
order by all
"""


@dataclass(frozen=True)
class Open:
    """An answer that a judge must be asked about. `judge` is a file of leanvlm/judging."""

    benchmark: str
    sample_id: str
    judge: str
    asked: Asked


def open_answers(root: Path, *, benchmarks: Sequence[str]) -> list[tuple[str, str, str]]:
    """List (benchmark, sample_id, answer) of what is open, each different answer once.

    A blank answer, and a sample that was refused, is worth 0, and nobody is asked.
    """
    asked = _judged_samples(root, benchmarks)
    if not len(asked):
        return []
    said = answers.TABLE.read(root / files.table("answers"), columns=["benchmark", "sample_id", "answer", "refusal"])
    with duckdb.connect() as connection:
        grading.load_macros(connection)
        connection.register("samples", asked)
        connection.register("answers", said)
        connection.register("published", published.grades(connection))
        return connection.execute(OPEN, {"judged": grading.JUDGED}).fetchall()


def described(root: Path, found: Sequence[tuple[str, str, str]]) -> Iterator[Open]:
    """Yield open answers with what a judge is told of them, in order; pictures are read a few samples at a time."""
    said: dict[str, dict[str, list[str]]] = {}
    for benchmark, sample_id, answer in found:
        said.setdefault(benchmark, {}).setdefault(sample_id, []).append(answer)
    for benchmark, of_samples in said.items():
        for row in samples.TABLE.stream(root / files.samples(benchmark), columns=ASKED):
            for answer in of_samples.get(row["sample_id"], ()):
                yield Open(benchmark, row["sample_id"], row["judge"], _asked(row, answer))


def every_answer(root: Path, benchmark: str) -> Iterator[Open]:
    """Yield each of a benchmark's samples that a judge may be asked about, with an answer that says nothing yet."""
    for row in samples.TABLE.stream(root / files.samples(benchmark), columns=ASKED):
        if row["judge"]:
            yield Open(benchmark, row["sample_id"], row["judge"], _asked(row, ""))


def _judged_samples(root: Path, benchmarks: Sequence[str]) -> pa.Table:
    """Read, without their pictures, the samples that a judge may be asked about."""
    read = [samples.TABLE.read(root / files.samples(name), columns=GRADED) for name in benchmarks]
    found = pa.concat_tables([samples.TABLE.empty().select(GRADED), *read])
    return found.filter(found["judge"].is_valid())


def _asked(row: Mapping[str, Any], answer: str) -> Asked:
    texts = {name: tuple(row[name]) for name in ("answers", "options", "images")}
    return Asked(row["question"], answer, facts=json.loads(row["facts"] or "{}"), **texts)
