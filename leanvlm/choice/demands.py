"""What is demanded of a recipe: bounds on what was measured, and how a person writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from leanvlm.choice.candidates import MEMORY, SHARES, SPEEDS, Candidate, Measured
from leanvlm.errors import InputError

PHASES = {"ttft": "prefill", "tpot": "decode", "end_to_end": "total"} | {phase: phase for phase in SPEEDS}
MOST_TIMES = 10_000  # of a speed-up
MOST_BYTES = 10**18
BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


@dataclass(frozen=True)
class Demand:
    """At least `bound` of a quantity; of memory, at most."""

    quantity: str
    bound: float

    @property
    def is_upper(self) -> bool:
        """Say whether less is better."""
        return self.quantity in MEMORY

    def shortfall(self, candidate: Candidate, *, is_sure: bool = False) -> float:
        """Say how far a recipe is from what is demanded, as a share of it: 0 where it is met, inf if unmeasured.

        Takes: is_sure, whether the lower end of the interval must hold too; bytes are counted and have none.
        """
        if self._vain(candidate):
            return math.inf
        found = candidate.measured.get(self.quantity)
        value = None if found is None else found.low if is_sure and not self.is_upper else found.value
        if value is None:
            return math.inf
        distance = value - self.bound if self.is_upper else self.bound - value
        return max(0.0, distance / self.bound)

    def reason(self, candidate: Candidate, *, is_sure: bool = False) -> str:
        """Say in which way a recipe misses it."""
        if vain := self._vain(candidate):
            return vain
        found = candidate.measured.get(self.quantity)
        if found is None:
            return f"{self.quantity} was not measured"
        if is_sure and not self.is_upper and found.low is None:
            return f"{self.quantity} has no interval"
        side = "above" if self.is_upper else "not surely at least" if found.value >= self.bound else "below"
        return f"{self.quantity} {written(self.quantity, found)} is {side} {amount(self.quantity, self.bound)}"

    def _vain(self, candidate: Candidate) -> str | None:
        """Say why more speed is demanded in vain: of what cannot be faster, a clock measures noise."""
        return candidate.no_faster if self.quantity in SPEEDS and self.bound > 1 else None


def kept(text: str, benchmarks: Sequence[str]) -> Demand:
    """Read `op=0.97`, `ol=90%` or `documents=0.95`.

    Raises: InputError saying what is allowed.
    """
    name, _, share = text.partition("=")
    known = (*SHARES, *benchmarks)
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)(%?)", share)
    if name not in known or match is None or not 0 < float(match[1]) / (100 if match[2] else 1) <= 2:
        raise InputError(
            f"--keep {text!r} cannot be read; write NAME=SHARE with a share above 0 and up to 2, as in op=0.97 or "
            f"op=97%; the names are {', '.join(known)}"
        )
    return Demand(name, float(match[1]) / (100 if match[2] else 1))


def speedup(text: str) -> Demand:
    """Read `ttft=2` or `decode=1.5x`.

    Raises: InputError saying what is allowed.
    """
    name, _, times = text.partition("=")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x?", times)
    if name not in PHASES or match is None or not 0 < float(match[1]) <= MOST_TIMES:
        raise InputError(
            f"--min-speedup {text!r} cannot be read; write PHASE=TIMES, up to {MOST_TIMES}, as in ttft=2; "
            f"the phases are {', '.join(PHASES)}"
        )
    return Demand(PHASES[name], float(match[1]))


def memory(text: str) -> Demand:
    """Read `4GB`, `512MiB` or `40%`.

    Raises: InputError saying what is allowed.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:(%)|((?:[kmgt]i?)?)b)", text.lower())
    if match is None or not 0 < float(match[1]) * BYTES[match[3] or ""] <= MOST_BYTES:
        raise InputError(
            f"--max-memory {text!r} cannot be read; write bytes, as in 4GB or 512MiB, or a share, as in 40%"
        )
    if match[2]:
        return Demand("memory", float(match[1]) / 100)
    return Demand("memory_bytes", float(match[1]) * BYTES[match[3]])


def written(quantity: str, found: Measured) -> str:
    """Write a measured number with its interval: 0.953 (0.931 to 0.972)."""
    if found.low is None or found.high is None:
        return amount(quantity, found.value)
    return f"{amount(quantity, found.value)} ({amount(quantity, found.low)} to {amount(quantity, found.high)})"


def amount(quantity: str, value: float) -> str:
    """Write a number in its unit."""
    if quantity in SPEEDS:
        return f"{value:.2f}x"
    return f"{value:,.0f} bytes" if quantity == "memory_bytes" else f"{value:.3f}"
