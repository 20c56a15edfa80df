"""Recipes for a model that is loaded: its weights are what they are."""

from __future__ import annotations

from collections.abc import Iterable

from leanvlm.errors import InputError
from leanvlm.recipes import Recipe, parse


def for_loaded(texts: Iterable[str]) -> list[Recipe]:
    """Read recipes.

    Raises: InputError for one that cannot be read, or that acts on the weights.
    """
    recipes = [parse(text) for text in texts]
    for recipe in recipes:
        if recipe.part("weights") is not None:
            raise InputError(f"{recipe.text} acts on the weights, and a loaded model has its own; write a checkpoint "
                             "with leanvlm.compress, load that, and leave the weights out of the recipe")  # fmt: skip
    return recipes
