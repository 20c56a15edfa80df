"""What is expected of the table costs."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.costs import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every cost keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.matching("recipe", r"^weights/"),
        _expect.between("calibration_samples", 1),
        _expect.between("seconds", 0, is_open=True),
        _expect.between("peak_bytes", 1),
    ]
