"""What is expected of the table skips."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.skips import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every skip keeps to."""
    return [*_expect.basics(TABLE), _expect.matching("reason", r"^\s*\S")]
