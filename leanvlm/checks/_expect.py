"""Short names for the Great Expectations that our tables use."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import pyarrow as pa

from leanvlm.tables._table import Table

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation as Expectation


def basics(table: Table) -> list[Expectation]:
    """Expect what every table promises: nulls only where allowed, counts from 0, and keys that name one row."""
    scalar = [field for field in table.schema if not pa.types.is_list(field.type)]
    names = [field.name for field in scalar if field.name in table.keys and pa.types.is_string(field.type)]
    return [
        *(filled(field.name) for field in scalar if not field.nullable),
        *(between(field.name, 0) for field in scalar if pa.types.is_integer(field.type)),
        *(matching(name, r"\S") for name in names),
        unique(table.keys),
    ]


def some_rows() -> Expectation:
    """Expect a row at least: no row keeps to everything else."""
    return _built("ExpectTableRowCountToBeBetween", {"min_value": 1})


def filled(column: str) -> Expectation:
    """Expect no null."""
    return _built("ExpectColumnValuesToNotBeNull", {"column": column})


def unique(columns: Sequence[str]) -> Expectation:
    """Expect the columns together to name one row."""
    if len(columns) == 1:
        return _built("ExpectColumnValuesToBeUnique", {"column": columns[0]})
    return _built("ExpectCompoundColumnsToBeUnique", {"column_list": list(columns)})


def between(
    column: str,
    low: float | None,
    high: float | None = None,
    *,
    is_open: bool = False,
    unless: tuple[str, str] | None = None,
) -> Expectation:
    """Expect low <= column <= high, or one of both.

    Takes: is_open, whether `low` itself is out; unless, a column and its value in rows that need not keep to it.
    """
    bounds: dict[str, object] = {"min_value": low, "max_value": high, "strict_min": is_open}
    if unless is not None:
        column_of = import_module("great_expectations.expectations.row_conditions").Column
        bounds["row_condition"] = column_of(unless[0]) != unless[1]
    return _built("ExpectColumnValuesToBeBetween", {"column": column, **bounds})


def among(column: str, values: Sequence[str]) -> Expectation:
    """Expect one of the values."""
    return _built("ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)})


def at_most(column: str, bound: str) -> Expectation:
    """Expect column <= bound, row by row; a null on either side says nothing."""
    pair = {"column_A": bound, "column_B": column, "or_equal": True}
    return _built("ExpectColumnPairValuesAToBeGreaterThanB", {**pair, "ignore_row_if": "either_value_is_missing"})


def matching(column: str, pattern: str) -> Expectation:
    """Expect every value to hold a regular expression; it may have no capturing groups."""
    return _built("ExpectColumnValuesToMatchRegex", {"column": column, "regex": pattern})


def _built(kind: str, arguments: dict[str, object]) -> Expectation:
    """Import late: the package costs seconds, and only the check needs it."""
    built: Expectation = getattr(import_module("great_expectations.expectations"), kind)(**arguments)
    return built
