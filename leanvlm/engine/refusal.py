"""Which recipes an architecture refuses, and why: its class and its configuration decide, before weights are read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leanvlm.errors import InputError
from leanvlm.methods._tokens import LayerMethod, VideoMethod
from leanvlm.models._model import LoadedModel, takes_video
from leanvlm.recipes import Recipe


def refusal(kind: type[LoadedModel], config: Any, recipe: Recipe) -> str | None:
    """Say as a sentence why a model cannot do what a recipe asks; None where it can.

    Takes: config, the configuration of the model's checkpoint.
    """
    outright = [kind.refused[part.method] for part in recipe.parts if part.method in kind.refused]
    if of_video(recipe) and not takes_video(kind):
        outright.append("it chooses among the frames of a video, and this model takes none")
    inside = [part.built for part in recipe.parts if isinstance(part.built, LayerMethod)]
    return next(filter(None, [*outright, *(_of_stages(method, kind.attends(config)) for method in inside)]), None)


def of_video(recipe: Recipe) -> bool:
    """Tell whether a recipe refuses all samples but videos."""
    return any(isinstance(part.built, VideoMethod) for part in recipe.parts)


def refuse(model: LoadedModel, recipes: Iterable[Recipe]) -> None:
    """Raise: InputError with the reason for the first recipe that the model refuses."""
    for recipe in recipes:
        if reason := refusal(type(model), model.model.config, recipe):
            raise InputError(f"{recipe.text} cannot run on this model: {reason}")


def _of_stages(method: LayerMethod, attends: list[bool]) -> str | None:
    """Check the layers at which tokens are dropped: each must exist, and the layer that judges must have attention."""
    able = [layer for layer in range(1, len(attends)) if attends[layer + method.judge]]
    for layer in method.stages(len(attends)):
        if layer >= len(attends):
            return (f"tokens cannot be dropped at layer {layer}; this model's decoder has {len(attends)}: "
                    f"choose from 1 to {len(attends) - 1}")  # fmt: skip
        if layer not in able:
            return (f"tokens cannot be dropped at layer {layer}, since layer {layer + method.judge} has no attention "
                    f"to choose them by; they can at {', '.join(map(str, able))}")  # fmt: skip
    return None
