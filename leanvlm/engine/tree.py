"""The work that recipes share, as a tree: picture shown -> prompt read -> cache kept.

Recipes that show the same picture share one vision pass; of those, recipes with the same token method share one read
of the prompt; of those, each keeps its own cache and decodes its own answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanvlm.recipes import Part, Recipe

LEVELS = ("image", "tokens", "cache")  # what a recipe's part acts on, in order of the work
WORK = {"image": "show the picture", "tokens": "read the prompt", "cache": "keep the cache"}


@dataclass(frozen=True)
class Branch:
    """One piece of work, done once for all its recipes; `part` is the method that changes it, None where none does."""

    level: str
    part: Part | None
    recipes: tuple[Recipe, ...]
    branches: tuple[Branch, ...]


def share(recipes: Sequence[Recipe], levels: Sequence[str] = LEVELS) -> tuple[Branch, ...]:
    """Grow the tree of recipes that run on the same weights, in order of their parts' texts."""
    if not levels:
        return ()
    groups: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        part = recipe.part(levels[0])
        groups.setdefault(part.text if part else "", []).append(recipe)
    return tuple(
        Branch(levels[0], own[0].part(levels[0]), tuple(own), share(own, levels[1:]))
        for _, own in sorted(groups.items())
    )


def lines(tree: Sequence[Branch], indent: str = "") -> Iterator[str]:
    """Draw the tree, one piece of work a line; the recipes are named where their own cache is kept."""
    for branch in tree:
        what = f"{WORK[branch.level]}: {branch.part.text if branch.part else 'whole'}"
        answered = "" if branch.branches else f" -> {', '.join(recipe.text for recipe in branch.recipes)}"
        yield f"{indent}{what}{answered}"
        yield from lines(branch.branches, indent + "  ")


def count(tree: Sequence[Branch]) -> dict[str, int]:
    """Count the pieces of work on each level, for one sample."""
    counts = dict.fromkeys(LEVELS, 0)
    for branch in tree:
        counts[branch.level] += 1
        for level, n in count(branch.branches).items():
            counts[level] += n
    return counts
