"""Which number of lmms-eval's lines is the grade, and what a value of it is worth, 0 to 1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from leanvlm import grading
from leanvlm.errors import InputError

# words of names of which a lower value is better
LOWER = frozenset(
    {
        *("wer", "cer", "mer", "wil", "eer", "error", "errors", "err", "loss", "nll", "ppl", "perplexity", "entropy"),
        *("edit", "edits", "distance", "dist", "levenshtein", "ned", "mse", "rmse", "mae", "mape", "rmsle", "brier"),
        *("ece", "fid", "kid", "lpips", "bpb", "bpc", "hallucination", "hallucinations", "chair", "toxicity"),
    }
)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
WAYS = ("lower", "higher")
ROOM = 60  # for the names of numbers in a sentence [characters]


@dataclass(frozen=True)
class Number:
    """A number of the lines, and how it becomes a grade."""

    task: str
    name: str
    most: int = 1
    is_lower_better: bool = False

    def grade(self, value: float, *, place: str) -> float:
        """Say what a value is worth.

        Raises: InputError where that is not from 0 to 1.
        """
        worth = value / self.most
        if 0 <= worth <= 1:
            return round(1 - worth, 9) if self.is_lower_better else worth
        says = f"{place}: {self.name} is {value:g}, and a grade is from 0 to 1"
        if worth > 1:
            way = ":lower" if self.is_lower_better else ""
            raise InputError(f"{says}; divide it by its most with --grade {self.task}={self.name}/100{way}")
        raise InputError(f"{says}; a judge that failed says so: grade it again, or leave the sample out everywhere")


def chosen(task: str, numbers: Sequence[str], partial: Sequence[str], asked: str | None) -> Number | str:
    """Say which number, or rule of ours, grades a task; where only one can, nobody needs to be asked.

    Takes: numbers, that every line has; partial, that are a number in some lines only; asked, what --grade says.

    Raises: InputError where it must be chosen, or which way is better must be told.
    """
    if asked in grading.rules():
        return str(asked)
    has = f"every line has the numbers {_some(numbers)}" if numbers else "no number is in every line"
    rules = f"the rules are {', '.join(grading.rules())}"
    if asked is None:
        if len(numbers) != 1 or partial:
            raise InputError(
                f"the grade of {task} is not clear: {has}; choose with --grade {task}=NAME, or a rule; {rules}"
            )
        return _with_a_way(Number(task, numbers[0]), None)
    name, most, way = _parts(asked, numbers)
    if name not in numbers:
        raise InputError(f"--grade {task}={asked} is neither a number of its lines nor a rule; {has}; {rules}")
    if most is not None and not (most.isascii() and most.isdecimal() and int(most[:9]) > 0):
        raise InputError(f"--grade {asked!r}: a grade is divided by a whole number above 0, as in {name}/100")
    return _with_a_way(Number(task, name, int(most or 1)), way)


def _parts(asked: str, numbers: Sequence[str]) -> tuple[str, str | None, str | None]:
    """Take NAME/MOST:WAY apart; a name may hold these signs as well."""
    if asked in numbers:
        return asked, None, None
    name, _, way = asked.rpartition(":")
    if way not in WAYS:
        name, way = asked, ""
    if name not in numbers and "/" in name:
        name, _, most = name.rpartition("/")
        return name, most, way or None
    return name, None, way or None


def _with_a_way(number: Number, way: str | None) -> Number:
    name, task = number.name, number.task
    if way is None and LOWER & {word.lower() for word in WORDS.findall(name)}:
        raise InputError(
            f"by its name, a lower {name} is better; say so with --grade {task}={name}:lower, which grades 1 - {name}, "
            f"or else --grade {task}={name}:higher"
        )
    return Number(task, name, number.most, is_lower_better=way == "lower")


def _some(names: Sequence[str]) -> str:
    """List as many names as a sentence has room for."""
    n_shown = max(1, sum(len(", ".join(names[:end])) <= ROOM for end in range(1, len(names) + 1)))
    more = f" and {len(names) - n_shown} more" if len(names) > n_shown else ""
    return ", ".join(names[:n_shown])[:ROOM] + more
