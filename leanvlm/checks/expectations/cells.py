"""What is expected of the table cells."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.cells import ACTS_ON, FAMILIES, TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every cell keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.some_rows(),
        _expect.among("family", FAMILIES),
        _expect.among("acts_on", ACTS_ON),
        _expect.between("weights_bytes", 0, is_open=True),
        _expect.at_most("weights_bytes", "full_weights_bytes"),
    ]
