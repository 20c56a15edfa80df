"""What is expected of the table judgements."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.judgements import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every judgement keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.between("grade", 0, 1),
        _expect.between("reference", 0, 1),
        _expect.between("tries", 1),
        _expect.matching("problem", r"\S"),
        _expect.matching("messages", r"^\[.*\]$"),
    ]
