"""What a library says of its error is shortened to a part of one sentence."""

from __future__ import annotations

import pytest

from leanvlm.errors import BRIEF, in_brief, with_kind


@pytest.mark.parametrize(
    ("said", "short"),
    [
        ("It is cut.", "It is cut"),
        ("\n\n  first\tline.  \nsecond line", "first line"),
        ("a\x1b[31mred", r"a\x1b[31mred"),
        ("", "ValueError"),
        (" \n ", "ValueError"),
        ("x" * 1000, "x" * BRIEF),
    ],
)
def test_a_reason_is_one_short_line_that_acts_on_no_terminal(said: str, short: str) -> None:
    assert in_brief(ValueError(said)) == short


def test_its_kind_is_said_once() -> None:
    assert with_kind(ValueError("is cut")) == "ValueError: is cut"
    assert with_kind(KeyError("name")) == "KeyError: 'name'"
    assert with_kind(RecursionError()) == "RecursionError"
