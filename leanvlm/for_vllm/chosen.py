"""The recipe that vLLM is to serve under, from the environment, and why some recipes are no work for it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from leanvlm.errors import InputError
from leanvlm.methods._method import n_keep
from leanvlm.methods._tokens import EntranceMethod, VideoMethod
from leanvlm.recipes import FULL, Part, Recipe, parse

VARIABLE = "LEANVLM_RECIPE"
WHY_NOT = {
    "weights": "a method on the weights is a checkpoint: let vLLM serve its folder, and name the other parts alone",
    "image": "it changes the picture before any server sees it: send the picture that it makes",
    "cache": "vLLM keeps a request's cache in pages of its own, out of which nothing can be taken",
    "tokens": "it drops tokens between two decoder layers, and vLLM lays a request out once for all of them",
}


@dataclass(frozen=True)
class Chosen:
    """A recipe of one method that reduces visual tokens before the decoder."""

    part: Part

    @property
    def method(self) -> EntranceMethod:
        """The method's object."""
        return self.part.method_as(EntranceMethod)

    def n_kept(self, n: int) -> int:
        """Count what a picture of `n` visual tokens keeps: the budget says it before the picture is seen."""
        return n_keep(n, self.method.budget)


def chosen() -> Chosen | None:
    """Read the recipe that the environment names; None for none, and for the full model.

    Raises: InputError for a recipe that cannot be read, or that vLLM cannot serve.
    """
    text = os.environ.get(VARIABLE, "")
    return of_recipe(parse(text)) if text else None


def of_recipe(recipe: Recipe) -> Chosen | None:
    """Choose a recipe; None for the full model.

    Raises: InputError for a recipe that vLLM cannot serve.
    """
    if recipe.text == FULL:
        return None
    if len(recipe.parts) > 1:
        raise _unfit(recipe, "it joins several; name one that reduces tokens before the decoder")
    [part] = recipe.parts
    if not isinstance(part.built, EntranceMethod):
        raise _unfit(recipe, WHY_NOT.get(part.built.acts_on, "it changes how answers are batched, which vLLM decides"))
    if isinstance(part.built, VideoMethod):
        raise _unfit(recipe, "it chooses among the frames of a video, and the plug-in serves pictures")
    if part.built.reads_words:
        raise _unfit(recipe, "it reads the question, and vLLM shows the tower's output no words")
    return Chosen(part)


def _unfit(recipe: Recipe, reason: str) -> InputError:
    return InputError(f"vLLM cannot serve {recipe.text}: {reason}")
