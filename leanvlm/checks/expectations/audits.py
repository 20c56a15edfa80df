"""What is expected of the table audits."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.audits import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every layer keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.matching("recipe", r"^weights/"),
        _expect.between("weights", 1),
        _expect.between("zero_share", 0, 1),
        _expect.between("bits_per_weight", 0, 32),  # low-rank matrices can take more than a narrow layer has
        _expect.between("achieved_budget", 0, 2),
        _expect.between("budget", 0, 1, is_open=True),
        _expect.at_most("packed_bytes", "stored_bytes"),
    ]
