"""Refuse knobs of a drawn benchmark that it cannot draw with, before hours of work wait for its samples."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from leanvlm.benchmarks._benchmark import Benchmark, DrawnBenchmark
from leanvlm.errors import InputError

LARGEST = 200  # of any knob, or ten times its default: a page of 200 x 200 patches still fits in memory


def refuse_undrawable(benchmark: Benchmark, where: str, *, seed: int) -> None:
    """Draw what turned knobs ask for: both ends of every range, and a question of each kind.

    Raises: InputError naming the knob (under `where`) that is out of range, or what drawing says.
    """
    if not isinstance(benchmark, DrawnBenchmark):
        return
    plain: Any = type(benchmark)()
    if benchmark == plain:
        return
    for name, value in _knobs(benchmark).items():
        most = max(LARGEST, 10 * max(_numbers(getattr(plain, name)), default=0))
        if any(not 0 <= number <= most for number in _numbers(value)):
            raise InputError(f"{where} has {name} {value!r}; it must be from 0 to {most}")
    try:
        for end in (0, -1):
            _at(benchmark, end).draw(random.Random(seed))
        list(benchmark.samples(len(benchmark.kinds), seed=seed))
    except InputError:
        raise
    except Exception as error:  # whatever drawing stumbles over, knobs that nobody turned do not have it
        said = f"{type(error).__name__}: {error}"
        raise InputError(f"{where} cannot be drawn with {_knobs(benchmark)} ({said}); turn its knobs back") from error


def _knobs(benchmark: Any) -> dict[str, Any]:
    return {field.name: getattr(benchmark, field.name) for field in fields(benchmark)}


def _numbers(value: Any) -> Sequence[float]:
    several = value if isinstance(value, tuple) else (value,)
    return [one for one in several if isinstance(one, int | float) and not isinstance(one, bool)]


def _at(benchmark: Any, end: int) -> DrawnBenchmark:
    """Turn every range to one of its ends."""
    ranges = {name: value for name, value in _knobs(benchmark).items() if isinstance(value, tuple) and len(value) == 2}
    turned: DrawnBenchmark = replace(benchmark, **{name: (value[end],) * 2 for name, value in ranges.items()})
    return turned
