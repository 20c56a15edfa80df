"""What recipes need to be compared with the full model: that it is there, and the same samples for all."""

from __future__ import annotations

import duckdb

from leanvlm.errors import InputError
from leanvlm.recipes import FULL

GAPS = """
with asked as (select distinct model, benchmark, sample_id from predictions),
recipes as (select distinct model, recipe from predictions)
select recipes.model, recipes.recipe, asked.benchmark, asked.sample_id
from recipes
inner join asked on recipes.model = asked.model
anti join predictions
    on
        recipes.model = predictions.model
        and recipes.recipe = predictions.recipe
        and asked.benchmark = predictions.benchmark
        and asked.sample_id = predictions.sample_id
order by all
limit 1
"""
LACKS = "{recipe} on {model} lacks sample {sample_id} of {benchmark}, which another recipe answered; all need the same"


def refuse_no_full(connection: duckdb.DuckDBPyConnection, full: str) -> None:
    """Refuse a model without the recipe `full`, or with two that would be controls/full.

    Raises: InputError.
    """
    of_models = connection.sql(
        "select model, list(distinct recipe order by recipe), any_value(file like '%.jsonl') from predictions "
        "group by model order by model"
    ).fetchall()
    for model, recipes, is_folder in of_models:
        if full not in recipes and is_folder and (other := next((m for m, known, _ in of_models if full in known), "")):
            raise InputError(
                f"{model} has no recipe {full!r}, but {other} has; models are named by their folders: if all are one "
                "model, say so with --model NAME"
            )
        if full not in recipes:
            raise InputError(
                f"{model} has no recipe {full!r}, which the others are compared with; name it with --full: it has "
                f"{', '.join(recipes)}"
            )
        if full != FULL and FULL in recipes:
            raise InputError(f"{model} has a recipe controls/full beside {full!r}; rename it, or leave --full out")


def refuse_gaps(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a recipe that did not answer what another one of its model did.

    Raises: InputError.
    """
    found = connection.sql(GAPS)
    for row in found.fetchall():
        raise InputError(LACKS.format(**dict(zip(found.columns, row, strict=True))))
