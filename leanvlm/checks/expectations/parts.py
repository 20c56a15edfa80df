"""What is expected of the table parts."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.parts import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every part keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.between("position", 1),
        _expect.matching("method", r"^(?:controls|tokens|cache|weights)/[a-z0-9_]+$"),
        _expect.between("budget", 0, 1, is_open=True),
        _expect.between("achieved_budget", 0, 1),
    ]
