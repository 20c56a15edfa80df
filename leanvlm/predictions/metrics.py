"""From predictions to a store with every metric, as if our own engine had made them."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from leanvlm import grading, store
from leanvlm.errors import InputError
from leanvlm.metrics import tally
from leanvlm.predictions.checks import refuse_unfit
from leanvlm.tables import samples

FILL = {
    "samples": """
        select benchmark, sample_id, coalesce(any_value(group_id), sample_id) as group_id,
            any_value(answers) as answers, any_value(rule) as rule, any_value(options) as options,
            any_value(kind) as kind
        from predictions group by benchmark, sample_id order by all
    """,
    "answers": """
        select model, recipe, benchmark, sample_id, answer, new_tokens, log_probability from predictions order by all
    """,
    "stored_cells": "select distinct model, recipe, benchmark from predictions order by all",
    "grades": """
        select model, recipe, benchmark, sample_id, grade,
            case when grade = 1 then 'right' when grade > 0 then 'partly' else 'wrong' end as outcome
        from predictions where grade is not null order by all
    """,
}


def measure(
    connection: duckdb.DuckDBPyConnection, predictions: pa.Table, *, full: str, resamples: int, seed: int
) -> None:
    """Fill an empty store with predictions and compute every metric; the recipe `full` is then controls/full.

    Raises: InputError naming the first prediction that cannot be compared.
    """
    connection.execute("set enable_progress_bar = false")
    grading.load_macros(connection)
    store.add(connection, "predictions", predictions)
    refuse_unfit(connection, full=full)
    connection.execute("update predictions set recipe = 'controls/full' where recipe = $full", {"full": full})
    _fill(connection)
    _grade(connection)
    store.derive_cells(connection)
    connection.execute("drop table predictions")
    tally.measure(connection, resamples=resamples, seed=seed)


def _fill(connection: duckdb.DuckDBPyConnection) -> None:
    for table in (samples.TABLE, *store.TABLES):
        name = "stored_cells" if table.name == "cells" else table.name
        store.add(connection, name, table.empty())
        store.describe(connection, name, table)
    connection.execute("alter table samples drop images")
    for name, sql in FILL.items():
        connection.execute(f"insert into {name} by name {sql}")


def _grade(connection: duckdb.DuckDBPyConnection) -> None:
    """Grade by rule what came without a grade."""
    said = connection.sql("select * from answers semi join (from predictions where grade is null) using "
                          "(model, recipe, benchmark, sample_id)").to_arrow_table()  # fmt: skip
    if len(said):
        _refuse_judged(connection)
        asked = connection.sql("from samples where rule is not null").to_arrow_table()
        connection.register("graded", grading.grade(said, asked))
        connection.execute("insert into grades by name select * from graded")
        connection.unregister("graded")


def _refuse_judged(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute("select benchmark from predictions where grade is null and rule = $rule limit 1",
                               {"rule": grading.JUDGED}).fetchall()  # fmt: skip
    for (benchmark,) in found:
        raise InputError(f"answers to {benchmark} need a judge, whom only `make repro` asks; give each a grade")
