"""Which recipes an architecture refuses, and why: its class and its configuration decide, before weights are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._image import PatchMethod
from leanvlm.methods._storage import StoringMethod
from leanvlm.methods._tokens import CrossMethod, LayerMethod, TokenMethod, VideoMethod
from leanvlm.models._model import LoadedModel
from leanvlm.models._patches import PatchModel
from leanvlm.models._prompts import takes_video
from leanvlm.recipes import Part, Recipe


def refusal(kind: type[LoadedModel], config: Any, recipe: Recipe) -> str | None:
    """Say as a sentence why a model cannot do what a recipe asks; None where it can.

    Takes: config, the configuration of the model's checkpoint.
    """
    return next(_reasons(kind, config, recipe), None)


def _reasons(kind: type[LoadedModel], config: Any, recipe: Recipe) -> Iterator[str]:
    for part in recipe.parts:
        if part.method in kind.refused:
            yield kind.refused[part.method]
        if isinstance(part.built, VideoMethod) and not takes_video(kind):
            yield "it chooses among the frames of a video, and this model takes none"
        if isinstance(part.built, PatchMethod):
            yield from _of_patches(kind, recipe)
        yield from _of_pictures(kind, part)
        if isinstance(part.built, LayerMethod):
            yield from _of_stages(part.built, kind.attends(config))
            yield from _of_reading(part.built, recipe.parts_on("cache"))
        if isinstance(part.built, StoringMethod):
            yield from _of_width(part.built, config.get_text_config())


def of_video(recipe: Recipe) -> bool:
    """Tell whether a recipe refuses all samples but videos."""
    return any(isinstance(part.built, VideoMethod) for part in recipe.parts)


def refuse(model: LoadedModel, recipes: Iterable[Recipe]) -> None:
    """Raise: InputError with the reason for the first recipe that the model refuses."""
    for recipe in recipes:
        if reason := refusal(type(model), model.model.config, recipe):
            raise InputError(f"{recipe.text} cannot run on this model: {reason}")


def _of_patches(kind: type[LoadedModel], recipe: Recipe) -> Iterator[str]:
    """Check who is shown a part of the patches: the tower must be able to, and nobody else may ask it about all."""
    if not issubclass(kind, PatchModel):
        able = [name for name in plugins.ids("models") if issubclass(plugins.load("models", name), PatchModel)]
        yield f"its tower takes whole pictures; a part of their patches can be shown to {', '.join(able)}"
    asking = recipe.part("tokens")
    if asking is not None and asking.method_as(TokenMethod).encoder is not None:
        yield f"the tower makes a part of the tokens, and {asking.method} asks it about all"


def _of_pictures(kind: type[LoadedModel], part: Part) -> Iterator[str]:
    """Check where the pictures are that a method looks for: in the prompt, or outside it."""
    if isinstance(part.built, CrossMethod) and not kind.crosses:
        able = [name for name in plugins.ids("models") if plugins.load("models", name).crosses]
        yield f"its visual tokens stand in the prompt, and {part.method} is for cross-attention: {', '.join(able)}"
    if isinstance(part.built, LayerMethod) and kind.crosses:
        yield (f"no visual token passes through its decoder, which looks at them from outside: {part.method} has none "
               "to drop there; use tokens/trimmed")  # fmt: skip
    if isinstance(part.built, CacheMethod) and part.built.rereads and kind.crosses:
        yield f"{part.method} reads pictures again, and none stands in this model's prompt"


def _of_width(method: StoringMethod, config: Any) -> Iterator[str]:
    """Check that whole groups of channels make a head."""
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if method.together and width % method.together:
        yield (f"groups of {method.together} channels do not fill its heads, which are {width} wide; set group to a "
               f"divisor of {width}")  # fmt: skip


def _of_reading(dropping: LayerMethod, parts: Iterable[Part]) -> Iterator[str]:
    """Check that pictures which are to be read again are read as they entered the decoder."""
    for part in parts:
        if isinstance(part.built, CacheMethod) and part.built.rereads:
            yield (f"{part.method} reads pictures again, which it cannot where {dropping.id} drops some of their "
                   "tokens inside the decoder; join it with a method that reduces them before")  # fmt: skip


def _of_stages(method: LayerMethod, attends: list[bool]) -> Iterator[str]:
    """Check the layers at which tokens are dropped: each must exist, and the layer that judges must have attention."""
    able = [layer for layer in range(1, len(attends)) if attends[layer + method.judge]]
    for layer in method.stages(len(attends)):
        if layer >= len(attends):
            yield (f"tokens cannot be dropped at layer {layer}; this model's decoder has {len(attends)}: "
                    f"choose from 1 to {len(attends) - 1}")  # fmt: skip
        elif layer not in able:
            yield (f"tokens cannot be dropped at layer {layer}, since layer {layer + method.judge} has no attention "
                    f"to choose them by; they can at {', '.join(map(str, able))}")  # fmt: skip
