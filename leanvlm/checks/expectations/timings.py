"""What is expected of the table timings."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.timings import AXES, PHASES, TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every timing keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.among("phase", PHASES),
        _expect.among("axis", AXES),
        _expect.between("batch_size", 1),
        _expect.between("prompt_tokens", 1),
        _expect.between("seconds", 0, is_open=True),
        _expect.between("full_seconds", 0, is_open=True),
    ]
