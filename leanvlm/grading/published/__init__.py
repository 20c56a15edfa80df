"""What the owners of a public benchmark give for an answer: one benchmark, one file, a function for each harness.

`paper` is the fork of lmms-eval that EffiVLM-Bench's numbers were made with, `today` is lmms-eval 0.7.3; where the two
agree, the one is the other. They are kept as they are, with their mistakes, so that a number can be laid beside a
published one: each file says under `Quirks` what a reader would not expect. What an answer is worth to a person is said
by the rules of leanvlm/grading.

Three benchmarks are graded by a judge alone. Their files say how a judge's reply is read: `read` gives None where it
cannot be, for which the harnesses have numbers of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import duckdb
import pyarrow as pa

from leanvlm import plugins
from leanvlm.errors import InputError

HARNESSES = ("paper", "today")
JUDGED = ("imagedc", "llava_wilder", "mmvet")  # whose files read the reply of a judge, not an answer
SHORTENED = ("mathvista",)  # whose judge shortens an answer that `is_short` refuses, before the rule reads it

SAID_ONCE = """
select distinct
    answers.benchmark,
    answers.sample_id,
    answers.answer,
    samples.published_rule,
    samples.answers,
    samples.options,
    samples.facts
from answers
inner join samples
    on answers.benchmark = samples.benchmark and answers.sample_id = samples.sample_id
where
    samples.published_rule is not null
    and answers.answer is not null
    and not list_contains(getvariable('judged'), split_part(samples.published_rule, '/', 2))
"""
SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("sample_id", pa.string()),
        ("answer", pa.string()),
        ("published_grade", pa.float64()),
        ("asks_judge", pa.bool_()),  # whether the owners do; a rule can have a grade all the same
    ]
)
BATCH = 10_000  # answers that are graded at a time


@dataclass(frozen=True)
class Asked:
    """What an answer is compared with: right answers, options in their order, and facts such as `answer_type`.

    The first right answer is that of the benchmark: of a choice, the letter. MathVista's is the option's text.
    """

    answers: tuple[str, ...]
    options: tuple[str, ...] = ()
    facts: Mapping[str, str | float] = field(default_factory=dict)


Rule = Callable[[str, Asked], float | None]


def ids() -> tuple[str, ...]:
    """List the benchmarks whose owners' rules are here."""
    return plugins.ids("grading/published")


@cache
def load(rule: str) -> Rule:
    """Return what `paper/docvqa` names: it takes a stripped answer, and gives 0 to 1, or None for a judge to say.

    One of the `JUDGED` takes a judge's reply as it is and gives what the harness reads in it, on the judge's scale.

    Raises: InputError for a harness or a benchmark that is not there.
    """
    harness, _, benchmark = rule.partition("/")
    if harness not in HARNESSES or benchmark not in ids():
        raise InputError(f"no published rule {rule!r}; write {' or '.join(HARNESSES)}, a slash, and one of "
                         f"{', '.join(ids())}")  # fmt: skip
    found: Rule = getattr(import_module(f"{__name__}.{benchmark}"), harness)
    return found


def read(benchmark: str, reply: str) -> list[float] | float | None:
    """Read a judge's reply on one of the `JUDGED`, None where it cannot be; on the judge's scale."""
    module = import_module(f"{__name__}.{benchmark}")
    found: list[float] | float | None = module.read(reply)
    return found


def grades(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Grade each different answer once, of the connection's `answers` to its `samples` that have a published rule.

    Where a judge is asked about every answer there is no row.
    """
    connection.execute("set variable judged = $judged", {"judged": list(JUDGED)})
    reader = connection.sql(SAID_ONCE).to_arrow_reader(BATCH)
    batches = [_graded(batch) for batch in reader]
    return pa.Table.from_batches(batches, schema=SCHEMA)


def _graded(batch: pa.RecordBatch) -> pa.RecordBatch:
    worth = [_worth(row) for row in batch.to_pylist()]
    keys = [batch.column(name).cast(pa.string()) for name in SCHEMA.names[:3]]
    graded = pa.array([grade for grade, _ in worth], pa.float64())
    asking = pa.array([asks_judge for _, asks_judge in worth], pa.bool_())
    return pa.RecordBatch.from_arrays([*keys, graded, asking], schema=SCHEMA)


def _worth(row: dict[str, Any]) -> tuple[float | None, bool]:
    """Grade one answer, and say whether its owners would ask a judge."""
    asked = Asked(tuple(row["answers"]), tuple(row["options"]), json.loads(row["facts"] or "{}"))
    answer = row["answer"].strip()
    grade = load(row["published_rule"])(answer, asked)
    benchmark = row["published_rule"].rpartition("/")[2]
    if benchmark in SHORTENED:
        return grade, not import_module(f"{__name__}.{benchmark}").is_short(answer, asked)
    return grade, grade is None
