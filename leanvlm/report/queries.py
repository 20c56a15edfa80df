"""Ask the report's questions: one SQL file a question, one dictionary a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from leanvlm.errors import RunError, in_brief

FOLDER = Path(__file__).parent
Row: TypeAlias = dict[str, Any]


def rows(
    connection: duckdb.DuckDBPyConnection, question: str, *, variables: Mapping[str, int] | None = None
) -> list[Row]:
    """Run a question and return its rows in order; `variables` are its `getvariable`s.

    Raises: RunError where a table or column that the question reads is not there.
    """
    try:
        result = connection.execute(text(question, variables=variables))
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise RunError(f"{question}.sql cannot be answered, run `dvc repro tally` first: {in_brief(error)}") from error
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, values, strict=True)) for values in result.fetchall()]


def text(question: str, *, variables: Mapping[str, int] | None = None) -> str:
    """Return a question's SQL as it is asked, so that whoever copies it from the page gets the same rows.

    A question is named for its file's path from leanvlm/report: `flips/flips`, and `../checks/budgets` of another room.
    """
    path = FOLDER / f"{question}.sql"
    values = variables or {}
    return re.sub(r"getvariable\('(\w+)'\)", lambda found: str(int(values[found[1]])), path.read_text(encoding="utf-8"))
