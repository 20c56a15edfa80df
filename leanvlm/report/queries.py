"""Ask the report's questions: one SQL file a question, one dictionary a row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from leanvlm.errors import RunError

FOLDER = Path(__file__).parent
Row: TypeAlias = dict[str, Any]


def rows(
    connection: duckdb.DuckDBPyConnection, question: str, *, variables: Mapping[str, int] | None = None
) -> list[Row]:
    """Run `leanvlm/report/<question>.sql` and return its rows in order; `variables` are its `getvariable`s.

    Raises: RunError where a table or column that the question reads is not there.
    """
    text = (FOLDER / f"{question}.sql").read_text(encoding="utf-8")
    for name, value in (variables or {}).items():
        connection.execute(f"set variable {name} = {value:d}")
    try:
        result = connection.execute(text)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        first_line = str(error).splitlines()[0]
        raise RunError(
            f"report/{question}.sql cannot be answered, run `dvc repro tally` first: {first_line}"
        ) from error
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, values, strict=True)) for values in result.fetchall()]
