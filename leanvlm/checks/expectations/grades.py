"""What is expected of the table grades."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.grades import OUTCOMES, TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every grade keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.some_rows(),
        _expect.between("grade", 0, 1),
        _expect.between("published_reference", 0, 1),
        _expect.among("outcome", OUTCOMES),
    ]
