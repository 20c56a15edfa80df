"""Time a recipe beside the full model, in turns, so that what slows the machine slows both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leanvlm.clock.run import Seconds


def pairs(
    full: Callable[[], Seconds], recipe: Callable[[], Seconds], *, repeats: int
) -> Iterator[tuple[Seconds, Seconds]]:
    """Yield the recipe's seconds beside the full model's, after an unmeasured pair that warms up."""
    pair(full, recipe, repeat=0)
    for repeat in range(repeats):
        yield pair(full, recipe, repeat=repeat)


def pair(full: Callable[[], Seconds], recipe: Callable[[], Seconds], *, repeat: int) -> tuple[Seconds, Seconds]:
    """Return the recipe's seconds and the full model's; who goes first alternates, so that drift cancels."""
    if repeat % 2:
        slow = full()
        return recipe(), slow
    fast = recipe()
    return fast, full()
