"""What is expected of the table calibration."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.calibration import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what the calibration samples keep to."""
    return [
        *_expect.basics(TABLE),
        _expect.some_rows(),
        _expect.matching("question", r"^\s*\S"),
        _expect.matching("answer", r"\S"),
    ]
