"""What bursts of answers come to: answers and tokens per second, percentiles of waiting, ratios to the full model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leanvlm.benches._figures import span
from leanvlm.benches.serving.client import Burst, Streamed

Spread = tuple[float, float, float]  # median of the rounds between their quartiles


@dataclass(frozen=True)
class Limits:
    """How long a user waits who is content; None for any time."""

    first_seconds: float | None = None
    token_seconds: float | None = None

    @property
    def is_any(self) -> bool:
        """Tell whether nothing is demanded."""
        return self.first_seconds is None and self.token_seconds is None

    def are_met(self, answer: Streamed) -> bool:
        """Tell whether an answer came in time; one of a single token has no time between tokens."""
        is_first = self.first_seconds is None or answer.first_seconds <= self.first_seconds
        seconds = answer.token_seconds
        return is_first and (self.token_seconds is None or seconds is None or seconds <= self.token_seconds)


@dataclass(frozen=True)
class Row:
    """What one recipe did at one number of answers side by side, over all rounds."""

    recipe: str
    concurrency: int
    n_answers: int
    answers_per_second: Spread
    times_full: Spread | None  # answers per second over the full model's of the same round; None of the full model
    good_per_second: Spread | None  # answers within the limits; None without limits
    tokens_per_second: Spread
    first_seconds: tuple[float, float]  # TTFT, 50th and 99th percentile of all answers
    token_seconds: tuple[float, float] | None  # TPOT; None where every answer was one token
    same_share: float | None  # of answers that are the full model's; None of the full model
    memory_bytes: int | None  # most that the server's processes held after a round
    note: str | None

    @property
    def cells(self) -> list[str]:
        """The row as it is printed, in the order of HEADS."""
        per_second = _range(self.answers_per_second)
        good = "" if self.good_per_second is None else _range(self.good_per_second)
        times = "" if self.times_full is None else span(*self.times_full)
        first, each = _milliseconds(self.first_seconds), _milliseconds(self.token_seconds)
        same = "" if self.same_share is None else f"{self.same_share:.0%}"
        memory = "" if self.memory_bytes is None else f"{self.memory_bytes / 2**20:.0f}"
        tokens = f"{self.tokens_per_second[1]:.1f}"
        return [self.recipe, str(self.concurrency), per_second, times, good, tokens, first, each, same, memory,
                self.note or ""]  # fmt: skip


HEADS = ("recipe", "at once", "answers/s", "times full", "good/s", "tokens/s", "TTFT p50 p99 [ms]", "TPOT p50 p99 [ms]",
         "same", "MiB", "note")  # fmt: skip


def row(
    recipe: str,
    concurrency: int,
    bursts: Sequence[Burst],
    *,
    beside: Sequence[Burst] | None = None,
    limits: Limits = Limits(),
    memory: Iterable[int | None] = (),
    note: str | None = None,
) -> Row:
    """Sum the bursts of one recipe up; `beside` are the full model's, of the same rounds and questions."""
    answers = [answer for burst in bursts for answer in burst.answers]
    between = [seconds for answer in answers if (seconds := answer.token_seconds) is not None]
    held = [amount for amount in memory if amount is not None]
    speeds = [len(burst.answers) / burst.seconds for burst in bursts]
    times = None if beside is None else _ratios(speeds, beside)
    return Row(
        recipe=recipe,
        concurrency=concurrency,
        n_answers=len(answers),
        answers_per_second=_spread(speeds),
        times_full=times,
        good_per_second=None if limits.is_any else _spread([_good(burst, limits) for burst in bursts]),
        tokens_per_second=_spread([sum(one.new_tokens for one in burst.answers) / burst.seconds for burst in bursts]),
        first_seconds=percentiles([answer.first_seconds for answer in answers]),
        token_seconds=percentiles(between) if between else None,
        same_share=None if beside is None else _same_share(answers, beside),
        memory_bytes=max(held, default=None),
        note=note,
    )


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the 50th and the 99th percentile, between two values by their distance."""
    half, most = np.quantile(seconds, [0.5, 0.99])
    return float(half), float(most)


def as_json(found: Row) -> dict[str, Any]:
    """Spell a row's fields."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(found).items()}


def _good(burst: Burst, limits: Limits) -> float:
    return sum(limits.are_met(answer) for answer in burst.answers) / burst.seconds


def _ratios(speeds: Sequence[float], beside: Sequence[Burst]) -> Spread:
    full = [len(burst.answers) / burst.seconds for burst in beside]
    return _spread([own / other for own, other in zip(speeds, full, strict=True)])


def _same_share(answers: Sequence[Streamed], beside: Sequence[Burst]) -> float:
    others = [answer for burst in beside for answer in burst.answers]
    return sum(own.text == other.text for own, other in zip(answers, others, strict=True)) / len(others)


def _spread(values: Sequence[float]) -> Spread:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def _range(found: Spread) -> str:
    return f"{found[1]:.2f} ({found[0]:.2f} to {found[2]:.2f})"


def _milliseconds(found: tuple[float, float] | None) -> str:
    return "" if found is None else " ".join(f"{seconds * 1000:.0f}" for seconds in found)
