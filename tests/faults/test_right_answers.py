"""Right answers of any shape: texts that can be compared with, or refused; and what is right is worth 1."""

from __future__ import annotations

import json
import random
from typing import Any

import duckdb
import numpy as np
import pytest

from leanvlm import grading, right_answers, targets
from leanvlm.texts import is_storable
from tests.faults import refusal

TRIES = 250
TEXTS = ("red", "B", "B. a red car", "42", "-1,200.5", "3/4", "yes", "", " ", "None", "nan", "null", "\u200b", "a\0",
         "\ud800", "['a', 'b']", "('a', 'b')", "array(['a'], dtype=object)", "[1, 2, 3, 4]", "{'a': 1}", "(a)", "[x",
         "['a' 'b']", "<NA>", "é" * 300, "it's", '"', "\\boxed{B}", "(1,200)", "a\nb", "12:30", "½")  # fmt: skip


def value(rng: random.Random, depth: int = 0) -> Any:
    """Make what a data set may hold as a right answer."""
    kind = rng.choice(("text", "text", "number", "none", "list", "tuple", "dict", "array", "written"))
    if kind == "text" or depth > 2:
        return rng.choice(TEXTS)
    if kind == "number":
        return rng.choice([0, -1, 3, 2.5, float("nan"), float("inf"), True, 10**30])
    if kind == "none":
        return None
    inner = [value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    if kind == "written":
        return str(inner) if rng.random() < 0.5 else json.dumps(inner, default=str)
    if kind == "array":
        return str(np.array([str(one) for one in inner], dtype=object))
    return {"list": inner, "tuple": tuple(inner), "dict": {str(n): one for n, one in enumerate(inner)}}[kind]


@pytest.fixture(scope="module")
def graded() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    grading.load_macros(connection)
    return connection


def test_it_can_be_compared_with_or_is_refused(rng: random.Random) -> None:
    target = value(rng)
    found: list[str] = []
    if refusal(lambda: found.extend(targets.read(target, place="a line"))) is None:
        assert found
        for text in found:
            assert is_storable(text)
            assert not right_answers.is_blank(text)
            assert not text.strip().startswith(("['", '["', "array(["))
        right_answers.refuse_unfit(found, place="again")


@pytest.mark.parametrize("rule", ["exact", "anls", "relaxed"])
def test_what_is_right_is_worth_1(rule: str, rng: random.Random, graded: duckdb.DuckDBPyConnection) -> None:
    found: list[str] = []
    if refusal(lambda: found.extend(targets.read(value(rng), place="a line"))) is None:
        [(worth,)] = graded.execute(
            f"select grade_{rule}($said, $right, [])", {"said": found[0], "right": found}
        ).fetchall()
        assert worth == 1, (found, rule)
