"""Which recipes an architecture refuses, and why: its class and its configuration decide, before weights are read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leanvlm.errors import InputError
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe


def refusal(kind: type[LoadedModel], config: Any, recipe: Recipe) -> str | None:
    """Say as a sentence why a model cannot do what a recipe asks; None where it can.

    Takes: config, the configuration of the model's checkpoint.
    """
    outright = [kind.refused[part.method] for part in recipe.parts if part.method in kind.refused]
    inside = [part.built for part in recipe.parts if isinstance(part.built, LayerMethod)]
    return next(filter(None, [*outright, *(_of_stages(method, kind.attends(config)) for method in inside)]), None)


def refuse(model: LoadedModel, recipes: Iterable[Recipe]) -> None:
    """Raise: InputError with the reason for the first recipe that the model refuses."""
    for recipe in recipes:
        if reason := refusal(type(model), model.model.config, recipe):
            raise InputError(f"{recipe.text} cannot run on this model: {reason}")


def _of_stages(method: LayerMethod, attends: list[bool]) -> str | None:
    """Check the layers at which tokens are dropped: each must exist, and the layer below must have attention to ask."""
    able = [layer for layer in range(1, len(attends)) if attends[layer - 1]]
    for layer in method.stages(len(attends)):
        if layer >= len(attends):
            return (f"tokens cannot be dropped at layer {layer}; this model's decoder has {len(attends)}: "
                    f"choose from 1 to {len(attends) - 1}")  # fmt: skip
        if layer not in able:
            return (f"tokens cannot be dropped at layer {layer}, since layer {layer - 1} has no attention to choose "
                    f"them by; they can at {', '.join(map(str, able))}")  # fmt: skip
    return None
