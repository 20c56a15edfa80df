"""What is expected of the table ceilings."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.ceilings import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every measurement of a device keeps to."""
    measured = ("operations", "moved_bytes", "reference_seconds", "reference_low", "reference_high")
    return [
        *_expect.basics(TABLE),
        *(_expect.between(name, 0, is_open=True) for name in measured),
        _expect.at_most("reference_low", "reference_seconds"),
        _expect.at_most("reference_seconds", "reference_high"),
    ]
