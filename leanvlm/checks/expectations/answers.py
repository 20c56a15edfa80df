"""What is expected of the table answers."""

from __future__ import annotations

from leanvlm.checks import _expect
from leanvlm.tables.answers import TABLE


def expectations() -> list[_expect.Expectation]:
    """Say what every answer keeps to."""
    return [
        *_expect.basics(TABLE),
        _expect.some_rows(),
        _expect.among("finish_reason", ("stop", "length", "refused")),
        _expect.between("log_probability", None, 0),
        _expect.between("prompt_tokens", 1, unless=("finish_reason", "refused")),
        _expect.between("image_kept", 0),
        _expect.between("tokens_kept", 0, 1),
        _expect.between("visual_tokens_kept", 0),
        _expect.between("cache_kept", 0, 1),
        _expect.between("bits_kept", 0, 1),
    ]
