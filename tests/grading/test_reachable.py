"""A right answer that its own rule would call wrong is refused, and every other one is let through."""

from __future__ import annotations

import duckdb
import pytest

from leanvlm import grading
from leanvlm.errors import InputError
from leanvlm.grading.reachable import WANTED, Asked, refuse_unreachable

PETS = ("a cat", "a dog")
TEN = tuple(f"pet {number}" for number in range(12))
FIT = [
    ("choice", ("B",), ()), ("choice", ("(b)",), ()), ("choice", ("B. a dog",), ()), ("choice", ("dog", "B"), ()),
    ("choice", ("B",), PETS), ("choice", ("A dog.",), PETS), ("choice", ("J",), TEN), ("choice", ("9",), ("7", "9")),
    ("mme", ("yes",), ()), ("mme", ("No",), ()), ("mme", ("maybe", "no"), ()),
    ("mathvista", ("1.30",), ()), ("mathvista", ("[2007, 2008]",), ()), ("mathvista", ("a dog",), PETS),
    ("rouge_l", ("a red car",), ()), ("exact", ("maybe",), ()), ("anls", ("日本",), ()), ("judged", ("x",), ()),
]  # fmt: skip
UNFIT = [
    ("choice", ("dog",), ()), ("choice", ("1",), ()), ("choice", ("AC",), ()), ("choice", ("K",), ()),
    ("choice", ("C",), PETS), ("choice", ("K",), TEN), ("choice", ("horse",), PETS), ("choice", ("0", "horse"), PETS),
    ("mme", ("maybe",), ()), ("mme", ("True",), ()), ("mme", ("1", "0"), ()),
    ("mathvista", ("E",), PETS), ("rouge_l", ("日本",), ()),
]  # fmt: skip


@pytest.fixture(scope="module")
def graded() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    grading.load_macros(connection)
    return connection


def test_what_can_be_right_is_let_through(graded: duckdb.DuckDBPyConnection) -> None:
    refuse_unreachable(graded, [Asked("here", *one) for one in FIT])


@pytest.mark.parametrize(("rule", "answers", "options"), UNFIT)
def test_what_cannot_is_refused_where_it_stands(
    rule: str, answers: tuple[str, ...], options: tuple[str, ...], graded: duckdb.DuckDBPyConnection
) -> None:
    asked = [*(Asked(f"line {number}", *one) for number, one in enumerate(FIT)), Asked("x.csv", rule, answers, options)]
    with pytest.raises(InputError, match=rf"^x\.csv: by the rule {rule} no answer is right where .* it wants"):
        refuse_unreachable(graded, asked)


def test_every_rule_that_is_named_is_there() -> None:
    assert set(WANTED) <= set(grading.rules())
