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
    """One piece of work, done once for all its recipes; `parts` are the methods that change it, if any do."""

    level: str
    parts: tuple[Part, ...]
    recipes: tuple[Recipe, ...]
    branches: tuple[Branch, ...]

    @property
    def part(self) -> Part | None:
        """The method that changes a picture or the reading of a prompt; None where none does."""
        return next(iter(self.parts), None)

    @property
    def text(self) -> str:
        """The methods as a recipe names them, empty where there is none."""
        return _text(self.parts)


def share(recipes: Sequence[Recipe], levels: Sequence[str] = LEVELS) -> tuple[Branch, ...]:
    """Grow the tree of recipes that run on the same weights, in order of their parts' texts."""
    if not levels:
        return ()
    groups: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(_text(recipe.parts_on(levels[0])), []).append(recipe)
    return tuple(
        Branch(levels[0], own[0].parts_on(levels[0]), tuple(own), share(own, levels[1:]))
        for _, own in sorted(groups.items())
    )


def _text(parts: Sequence[Part]) -> str:
    return "+".join(part.text for part in parts)


def lines(tree: Sequence[Branch], indent: str = "") -> Iterator[str]:
    """Draw the tree, one piece of work a line; the recipes are named where their own cache is kept."""
    for branch in tree:
        what = f"{WORK[branch.level]}: {branch.text or 'whole'}"
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
