"""The paper's speed-ups, as they can be read off its figure."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).with_name("speedups.csv")


@dataclass(frozen=True)
class Printed:
    """Times the full model's speed: to the first token, and per token after it.

    Source: EffiVLM-Bench, arXiv 2506.00479, the figure of performance against speed-up: LLaVA-OneVision 7B on DocVQA,
    digitised to about .01. Streaming's first tokens are "about 1" at all budgets; those of the other cache methods do
    not depend on the budget; which of PyramidKV's points is 5 % and which 10 % is not clear.
    """

    method: str
    budget: str  # share kept
    ttft: float
    tpot: float


def read() -> list[Printed]:
    """List all, methods in the order of the paper's tables."""
    with PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Printed(row["method"], row["budget"], float(row["ttft"]), float(row["tpot"])) for row in rows]
