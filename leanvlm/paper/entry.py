"""One entry of a table of scores: the names it may bear and the number it may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.recipes import FULL

LEVELS = ("model", "budget", "method", "benchmark")
FULL_NAMES = ("Original", FULL)  # the paper's name and ours
# the methods of EffiVLM-Bench, arXiv 2506.00479, as it spells them
TOKENS = ("FastV", "VisionZip", "PruMerge+")
CACHE = ("StreamingLLM", "H2O", "SnapKV", "PyramidKV", "LOOK-M", "VL-Cache")
WEIGHTS = ("EcoFLAP", "Wanda", "SparseGPT", "GPTQ", "AWQ")
SETTING = re.compile(r"[1-9]\d*:[1-9]\d*|w\d+a\d+(-g\d+)?")
SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
RESULT = re.compile(r"O[PGLE](_.*)?")  # a benchmark of this name is a result that was left in the table
LEAST_FULL = 1e-6  # the least that others are divided by, so that no ratio overflows


class Score(NamedTuple):
    """What one model with one method at one budget reaches on one benchmark, on the benchmark's own scale."""

    model: str
    budget: str
    method: str
    benchmark: str
    score: float

    @property
    def is_full(self) -> bool:
        """Say whether other scores are divided by this one."""
        return self.method in FULL_NAMES

    @property
    def recipe(self) -> str:
        """Name what was run as the metrics do."""
        return FULL if self.is_full else f"{self.method}@{self.budget}"


def place(names: Sequence[str]) -> str:
    """Say where in the table something stands."""
    return " > ".join(names) if names else "the table"


def refuse_unknown(score: Score) -> None:
    """Refuse a budget, method or benchmark that cannot be, and a full model that others cannot be divided by.

    Raises: InputError.
    """
    _refuse_no_budget(score)
    _refuse_no_method(score)
    if score.is_full and score.score < LEAST_FULL:
        raise InputError(f"{place(score[:4])} is {score.score:g}; other scores are divided by it, so it is above 0")
    if RESULT.fullmatch(score.benchmark):
        raise InputError(f"{place(score[:4])} is a result and no benchmark; leave it out")


def _refuse_no_budget(score: Score) -> None:
    share = _share(score.budget)
    if SETTING.fullmatch(score.budget) is None and (share is None or not 0 < share <= 100):
        raise InputError(
            f"{place(score[:2])} is no budget; a budget is the share kept, above 0% and up to 100%, "
            "or a setting like 2:4 or w4a16"
        )


def _refuse_no_method(score: Score) -> None:
    ours = (name for name in plugins.ids("methods") if name not in FULL_NAMES)
    papers = (*FULL_NAMES, *TOKENS, *CACHE, *WEIGHTS)
    if score.method not in (*papers, *ours):
        raise InputError(f"{place(score[:3])} is no method; the methods are {', '.join(papers)}, and those that "
                         "`leanvlm methods` lists")  # fmt: skip
    if score.is_full != (_share(score.budget) == 100):
        raise InputError(
            f"{place(score[:3])} is out of place; at 100% only {FULL_NAMES[0]}, the full model, is allowed"
        )


def _share(budget: str) -> float | None:
    found = SHARE.fullmatch(budget)
    return float(found[1]) if found else None
