"""What is expected of the table samples."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.samples import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every batch of samples keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.some_rows(),
        _expect.matching("sample_id", r"^\S+$"),
        _expect.between("turn", 1),
        _expect.matching("question", r"^\s*\S"),
        _expect.matching("rule", r"^[a-z][a-z0-9_]*$"),
        _expect.between("fps", 0, is_open=True),
        _expect.between("n_answers", 1),
        _expect.between("n_blank_answers", 0, 0),
        _expect.matching("difficulty", r"^\{.*\}$"),
    ]
