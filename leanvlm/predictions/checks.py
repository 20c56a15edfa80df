"""What predictions must be before they are compared: each key once, with what says what an answer is worth."""

from __future__ import annotations

from typing import Any

import duckdb

from leanvlm import grading, right_answers
from leanvlm.errors import InputError
from leanvlm.grading.reachable import Asked, refuse_unreachable
from leanvlm.predictions import pairs

# what is wrong, and what finds it: the first row is named
CHECKS = {
    "model, recipe, benchmark, sample_id and answer may not be null": """
        select file, line
        from predictions
        where model is null or recipe is null or benchmark is null or sample_id is null or answer is null
        order by all
    """,
    "model, recipe, benchmark and sample_id are names, and one of them is empty": """
        select file, line
        from predictions
        where is_blank(model) or is_blank(recipe) or is_blank(benchmark) or is_blank(sample_id)
        order by all
    """,
    "the grade is {grade}; a grade is from 0 to 1": """
        select file, line, grade
        from predictions
        where grade is not null and not (grade between 0 and 1)
        order by all
    """,
    "the log_probability is {log_probability} and new_tokens {new_tokens}; the one is 0 at most, the other 1 or "
    "more": """
        select file, line, log_probability, new_tokens
        from predictions
        where log_probability is not null
            and not (log_probability between -1e300 and 0 and coalesce(new_tokens, 0) > 0)
        order by all
    """,
    "new_tokens is {new_tokens}; it counts what was said: 0 or more": """
        select file, line, new_tokens
        from predictions
        where new_tokens < 0
        order by all
    """,
    "it has neither a grade nor a rule with answers, which say what an answer is worth": """
        select file, line
        from predictions
        where grade is null and rule is null
        order by all
    """,
    "no grading rule {rule!r}; the rules are " + ", ".join(grading.rules()): """
        select file, line, rule
        from predictions
        where grade is null and not list_contains(getvariable('rules'), rule)
        order by all
    """,
    "{recipe} on {model} answered sample {sample_id} of {benchmark} before; leave one answer": """
        select model, recipe, benchmark, sample_id, file, line
        from predictions
        qualify row_number() over (partition by model, recipe, benchmark, sample_id order by file, line) > 1
        order by file, line
    """,
    "sample {sample_id} of {benchmark} has another doc_hash or target_hash elsewhere; all recipes "
    "need the same data: answer it again": """
        select benchmark, sample_id, max(file) as file, max_by(line, file) as line
        from predictions
        group by benchmark, sample_id
        having count(distinct doc_hash) > 1 or count(distinct target_hash) > 1
        order by all
    """,
    "sample {sample_id} of {benchmark} has another prompt_hash in another recipe of {model}; all "
    "need the same prompt: answer it again": """
        select model, benchmark, sample_id, max(file) as file, max_by(line, file) as line
        from predictions
        group by model, benchmark, sample_id
        having count(distinct prompt_hash) > 1
        order by all
    """,
    "sample {sample_id} of {benchmark} has other right answers, rule, options, kind or group elsewhere; "
    "all recipes need the same: write them alike": """
        select benchmark, sample_id, max(file) as file, max_by(line, file) as line
        from predictions
        group by benchmark, sample_id
        having count(distinct answers) > 1 or count(distinct rule) > 1 or count(distinct options) > 1
            or count(distinct kind) > 1 or count(distinct group_id) > 1
        order by all
    """,
}
# right answers that are compared with, each list of them once, where it stands first
ASKED = """
select
    rule, answers, coalesce(options, []) as options,
    min(struct_pack(file := file, line := line, sample_id := sample_id, benchmark := benchmark)) as first
from predictions
where grade is null
group by all
order by first
"""
SAME = """
select benchmark, any_value(answers) as answers, count(distinct sample_id) as n_samples
from predictions
where grade is null
group by benchmark
having count(distinct answers) = 1
order by benchmark
"""


def refuse_unfit(connection: duckdb.DuckDBPyConnection, *, full: str) -> None:
    """Refuse predictions that cannot be compared.

    Raises: InputError naming the first place that is wrong.
    """
    connection.execute("set variable rules = $rules", {"rules": list(grading.rules())})
    for sentence, sql in CHECKS.items():
        _refuse(connection, sql, sentence)
    _refuse_unfit_answers(connection)
    pairs.refuse_no_full(connection, full)
    pairs.refuse_gaps(connection)


def _refuse(connection: duckdb.DuckDBPyConnection, sql: str, sentence: str) -> None:
    found = connection.sql(sql)
    for values in found.limit(1).fetchall():
        row = dict(zip(found.columns, values, strict=True))
        raise InputError(_place(row) + sentence.format(**row))


def _place(row: dict[str, Any]) -> str:
    """Say where a row was read, if it was read from a file."""
    return "" if row["file"] is None else "{file} line {line}: ".format(**row)


def _refuse_unfit_answers(connection: duckdb.DuckDBPyConnection) -> None:
    asked = [
        Asked(_place(first) + "sample {sample_id} of {benchmark}".format(**first), rule, answers, options)
        for rule, answers, options, first in connection.sql(ASKED).fetchall()
    ]
    for one in asked:
        right_answers.refuse_unfit(one.answers, place=one.place)
    refuse_unreachable(connection, asked)
    for benchmark, answers, n_samples in connection.sql(SAME).fetchall():
        right_answers.refuse_placeholders([answers] * n_samples, benchmark=benchmark)
