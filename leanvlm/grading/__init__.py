"""What an answer is worth: one rule a file, one SQL macro `grade_<rule>(answer, answers)` in it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from leanvlm.errors import InputError

ROOT = Path(__file__).parent

GRADED = """
with

worth as (

    select
        answers.*,
        case samples.rule {cases} end as grade
    from answers
    inner join samples
        on answers.benchmark = samples.benchmark and answers.sample_id = samples.sample_id

)

select
    model,
    recipe,
    benchmark,
    sample_id,
    grade,
    case
        when is_blank(answer) then 'empty'
        when grade = 1 then 'right'
        when grade > 0 then 'partly'
        else 'wrong'
    end as outcome
from worth
order by model, recipe, benchmark, sample_id
"""


def rules() -> tuple[str, ...]:
    """List the grading rules."""
    return tuple(path.stem for path in sorted(ROOT.glob("*.sql")) if not path.name.startswith("_"))


def load_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every rule, and what rules share, known to a connection."""
    for name in ("_text", *rules()):
        connection.execute((ROOT / f"{name}.sql").read_text(encoding="utf-8"))


def grade(answers: pa.Table, samples: pa.Table) -> pa.Table:
    """Grade every answer by its sample's rule, in the order of the table's keys.

    Raises: InputError for a rule without a file.
    """
    _refuse_unknown_rules({str(rule) for rule in samples.column("rule").to_pylist()})
    cases = " ".join(f"when '{rule}' then grade_{rule}(answers.answer, samples.answers)" for rule in rules())
    with duckdb.connect() as connection:
        load_macros(connection)
        connection.register("answers", answers)
        connection.register("samples", samples)
        graded: pa.Table = connection.sql(GRADED.format(cases=cases)).to_arrow_table()
        return graded


def _refuse_unknown_rules(named: set[str]) -> None:
    unknown = sorted(named - set(rules()))
    if unknown:
        known = ", ".join(rules())
        raise InputError(f"no grading rule {unknown[0]!r}; a rule is a file under leanvlm/grading: {known}")
