"""The drawn benchmarks with one knob of difficulty turned at a time, the others left where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from leanvlm import plugins
from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.errors import InputError


@dataclass(frozen=True)
class Level:
    """One setting of one knob of a benchmark."""

    benchmark: str
    knob: str
    level: int

    @property
    def name(self) -> str:
        """What stands in the column `benchmark` of the answers, as `documents:lines=3`."""
        return f"{self.benchmark}:{self.knob}={self.level}"

    def built(self) -> Benchmark:
        """Make the benchmark; a knob that is a range gets the level as both its ends.

        Raises: InputError for a knob that the benchmark has not, or a level that it cannot draw.
        """
        plain: Any = plugins.load("benchmarks", self.benchmark)()
        known = {field.name: getattr(plain, field.name) for field in fields(plain)}
        if self.knob not in known:
            raise InputError(f"{self.benchmark} has no knob {self.knob!r}; it has: {', '.join(known) or 'none'}")
        is_range = isinstance(known[self.knob], tuple)
        turned: Benchmark = replace(plain, **{self.knob: (self.level, self.level) if is_range else self.level})
        return turned


def levels(knobs: Mapping[str, Mapping[str, Sequence[int]]]) -> Iterator[Level]:
    """List the levels of `{benchmark: {knob: [levels]}}`, easy to hard as they are written."""
    for benchmark, turned in knobs.items():
        for knob, values in turned.items():
            for value in values:
                yield Level(benchmark, knob, value)
