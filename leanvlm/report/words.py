"""Numbers and recipes as people read them; what is missing is a dash, never a blank or a zero."""

from __future__ import annotations

import math

from markupsafe import Markup

from leanvlm import markup

MISSING = "–"
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
LONGEST_TEXT = 600  # characters of a question or an answer that are printed


def percent(share: float | None, *, digits: int = 1) -> str:
    """Print a share as a percentage without its sign: 0.973 is "97.3"."""
    return MISSING if share is None else f"{100 * share:.{digits}f}"


def budget(share: float | None) -> str:
    """Print a budget as a percentage with three significant digits at most: 0.1 is "10 %"."""
    return MISSING if share is None else f"{100 * share:.3g} %"


def times(factor: float | None) -> str:
    """Print a speed-up: 1.5 is "1.50×"."""
    return MISSING if factor is None else f"{factor:.2f}×"


def number(value: float | None, *, digits: int = 1) -> str:
    """Print a plain number."""
    return MISSING if value is None else f"{value:.{digits}f}"


def size(n_bytes: float | None) -> str:
    """Print a number of bytes in the largest unit that it fills: 3,250,585 is "3.1 MiB"."""
    if n_bytes is None:
        return MISSING
    power = min(len(UNITS) - 1, max(0, math.frexp(n_bytes)[1] - 1) // 10)
    return f"{n_bytes / 1024**power:.{1 if power else 0}f} {UNITS[power]}"


def percent_range(low: float | None, high: float | None) -> str:
    """Print an interval of shares, or say that there is none."""
    if low is None or high is None:
        return "no interval"
    return f"{percent(low)} to {percent(high)}"


def times_range(low: float | None, high: float | None) -> str:
    """Print a spread of speed-ups, or say that there is none."""
    if low is None or high is None:
        return "no spread"
    return f"{low:.2f} to {high:.2f}"


def count(n: int, noun: str) -> str:
    """Print a number of things: 1 recipe, 2 recipes, 12,000 recipes."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def short(recipe: str) -> str:
    """Leave the families out of a recipe, for a plot whose colours tell them."""
    return "+".join(part.split("/", 1)[-1] for part in recipe.split("+"))


def suffix(index: int) -> str:
    """End the ids of a model's elements, by its place among the models: a name may hold what an id may not."""
    return f"-{index}" if index else ""


def breakable(recipe: str) -> Markup:
    """Escape a recipe and let it break over lines between its parts and before its options only."""
    parts = markup.visible(recipe).split("+")
    return Markup("<wbr>+").join(Markup("<wbr>:").join(part.split(":")) for part in parts)


def excerpt(text: str) -> str:
    """Cut a long text, with a note of how much was cut."""
    n_left = len(text) - LONGEST_TEXT
    return text if n_left <= 0 else f"{text[:LONGEST_TEXT]} … ({count(n_left, 'more character')})"
