"""Choose: which candidates meet all demands, the best first, and by how much the others miss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leanvlm.choice.candidates import MEMORY, Candidate
from leanvlm.choice.demands import Demand


@dataclass(frozen=True)
class Missed:
    """A candidate that does not qualify, and the demand that it is furthest from."""

    candidate: Candidate
    reason: str
    shortfall: float  # as a share of what is demanded; inf where it was not measured


@dataclass(frozen=True)
class Choice:
    """Who qualifies, best first, and who does not, closest first."""

    by: str
    qualified: tuple[Candidate, ...]
    missed: tuple[Missed, ...]

    @property
    def best(self) -> Candidate | None:
        """The choice, or None where no candidate qualifies."""
        return self.qualified[0] if self.qualified else None

    @property
    def ties(self) -> tuple[Candidate, ...]:
        """Those that qualify and whose interval meets that of the best."""
        return tuple(other for other in self.qualified[1:] if _meet(self.qualified[0], other, self.by))


def choose(candidates: Iterable[Candidate], demands: Sequence[Demand], *, by: str, is_sure: bool = False) -> Choice:
    """Choose the candidate that is best by one quantity among those that meet all demands.

    Takes: is_sure, whether the lower ends of intervals must meet the demands, and not the numbers alone.
    """
    qualified, missed = [], []
    for candidate in candidates:
        worst = max(demands, key=lambda demand: demand.shortfall(candidate, is_sure=is_sure), default=None)
        if by not in candidate.measured:
            missed.append(Missed(candidate, f"{by} was not measured", math.inf))
        elif worst is not None and worst.shortfall(candidate, is_sure=is_sure):
            shortfall = worst.shortfall(candidate, is_sure=is_sure)
            missed.append(Missed(candidate, worst.reason(candidate, is_sure=is_sure), shortfall))
        else:
            qualified.append(candidate)
    return Choice(
        by,
        tuple(sorted(qualified, key=lambda one: (-_goodness(one, by), one.recipe))),
        tuple(sorted(missed, key=lambda one: (one.shortfall, one.candidate.recipe))),
    )


def _goodness(candidate: Candidate, by: str) -> float:
    value = candidate.measured[by].value
    return -value if by in MEMORY else value


def _meet(one: Candidate, other: Candidate, by: str) -> bool:
    low, high = one.measured[by].low, other.measured[by].high
    if low is None or high is None:
        return one.measured[by].value == other.measured[by].value
    return high >= low
