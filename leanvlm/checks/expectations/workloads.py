"""What is expected of the table workloads."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.timings import AXES
from leanvlm.tables.workloads import PHASES, TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every count of work keeps to."""
    counted = ("operations", "full_operations", "moved_bytes", "full_moved_bytes", "cache_bytes", "full_cache_bytes")
    return [
        *_expect.basics(TABLE),
        _expect.among("phase", PHASES),
        _expect.among("axis", AXES),
        *(_expect.between(name, 0) for name in counted),
    ]
