"""Answers that were made in another batch: the same but for rounding, which a log-probability alone shows."""

from __future__ import annotations

import math
from dataclasses import replace

from leanvlm.engine.answer import Answer


def alike(one: Answer, other: Answer) -> bool:
    """Tell whether two answers are the same, and as probable up to rounding."""
    if one.log_probability is None or other.log_probability is None:
        return one == other
    is_same = replace(one, log_probability=None) == replace(other, log_probability=None)
    return is_same and math.isclose(one.log_probability, other.log_probability, rel_tol=1e-4, abs_tol=1e-4)
