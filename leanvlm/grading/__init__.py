"""What an answer is worth: one rule a file, in it the SQL macros `grade_<rule>` and `is_gradable_<rule>`.

Both take `(answer, answers, options)`; options are empty where nothing can be chosen. An answer in which a rule finds
nothing to grade is worth 0, and its outcome says so. Of the rule `judged` there is no file: a judge says what an answer
is worth, and where it did not, there is no grade.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from leanvlm.errors import InputError
from leanvlm.grading import published
from leanvlm.tables import judgements as judgement_rows
from leanvlm.tables import samples as sample_rows
from leanvlm.tables.samples import JUDGED as JUDGED

ROOT = Path(__file__).parent
READ = ("benchmark", "sample_id", "rule", "answers", "options", "judge", "published_rule", "facts")
SAMPLES = pa.schema([sample_rows.TABLE.schema.field(name) for name in READ])  # what is read of samples
SHARED = (
    "_text",
    "_patterns",
    "_readable",
    "_languages",
    "_letters",
    "_options",
    "_sayings",
    "_numbers",
)  # what rules read

GRADED = """
with

said_once as materialized (

    -- recipes often answer alike: what was said twice is normalised and graded once
    select
        answers.benchmark,
        answers.sample_id,
        answers.answer,
        any_value(samples.rule) as rule,
        any_value(samples.judge) as judge,
        any_value(samples.published_rule) as published_rule,
        any_value(samples.answers) as answers,
        coalesce(any_value(samples.options), []) as options
    from answers
    inner join samples
        on answers.benchmark = samples.benchmark and answers.sample_id = samples.sample_id
    group by all

),

worth as materialized (

    select
        benchmark,
        sample_id,
        answer,
        published_rule is not null as is_published,
        case when judge is not null and is_blank(answer) then 0 end as blank_grade,
        case rule {is_gradable} end as is_gradable,
        case rule {grade} end as grade
    from said_once

),

graded as (

    -- a judgement is the grade where nothing else is, and the owners' where their rule asks a judge: also one that
    -- could not be read, which is no grade
    select
        answers.model,
        answers.recipe,
        answers.benchmark,
        answers.sample_id,
        worth.is_gradable,
        coalesce(worth.grade, judgements.grade) as grade,
        case
            when published.asks_judge is not true and published.published_grade is not null
                then published.published_grade
            when worth.is_published and judgements.answer is not null then judgements.grade
            when worth.is_published then coalesce(published.published_grade, worth.blank_grade)
        end as published_grade,
        judgements.reference as published_reference
    from answers
    inner join worth
        on
            answers.benchmark = worth.benchmark
            and answers.sample_id = worth.sample_id
            and answers.answer is not distinct from worth.answer
    left join published
        on
            answers.benchmark = published.benchmark
            and answers.sample_id = published.sample_id
            and answers.answer is not distinct from published.answer
    left join judgements
        on
            answers.benchmark = judgements.benchmark
            and answers.sample_id = judgements.sample_id
            and answers.answer = judgements.answer

)

select
    model,
    recipe,
    benchmark,
    sample_id,
    grade,
    published_grade,
    published_reference,
    case
        when grade is null then 'ungraded'
        when not is_gradable then 'ungradable'
        when grade = 1 then 'right'
        when grade > 0 then 'partly'
        else 'wrong'
    end as outcome
from graded
order by model, recipe, benchmark, sample_id
"""


def rules() -> tuple[str, ...]:
    """List the grading rules."""
    return tuple(path.stem for path in sorted(ROOT.glob("*.sql")) if not path.name.startswith("_"))


def load_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every rule, and what rules share, known to a connection."""
    for name in (*SHARED, *rules()):
        connection.execute((ROOT / f"{name}.sql").read_text(encoding="utf-8"))


def grade(answers: pa.Table, samples: pa.Table, judgements: pa.Table | None = None) -> pa.Table:
    """Grade every answer by its sample's rule, in the order of the table's keys.

    A judgement is the grade where the rule is `judged`, and the owners' grade where their rule asks a judge.

    Raises: InputError for a rule without a file.
    """
    named = {str(rule) for rule in samples.column("rule").to_pylist()}
    _refuse_unknown_rules(named)
    with duckdb.connect() as connection:
        load_macros(connection)
        connection.register("answers", answers)
        connection.register("samples", samples)
        connection.register("published", published.grades(connection))
        connection.register("judgements", judgement_rows.TABLE.empty() if judgements is None else judgements)
        graded: pa.Table = connection.sql(
            GRADED.format(grade=_by_rule("grade", named), is_gradable=_by_rule("is_gradable", named))
        ).to_arrow_table()
        return graded


def _by_rule(macro: str, named: set[str]) -> str:
    judged = {"grade": "case when is_blank(answer) then cast(0 as double) end", "is_gradable": "not is_blank(answer)"}
    by_file = " ".join(  # only rules that are named: each costs time to plan
        f"when '{rule}' then {macro}_{rule}(answer, answers, options)" for rule in sorted(named - {JUDGED})
    )
    return f"{by_file} when '{JUDGED}' then {judged[macro]}"


def _refuse_unknown_rules(named: set[str]) -> None:
    unknown = sorted(named - {*rules(), JUDGED})
    if unknown:
        known = ", ".join(rules())
        raise InputError(f"no grading rule {unknown[0]!r}; a rule is a file under leanvlm/grading: {known}")
