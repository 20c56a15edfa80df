"""Find a decoder's layers, and the linear layers that a weights method may touch, by their names."""

from __future__ import annotations

import re

from torch import nn

from leanvlm.errors import InputError

LAYER = r".*(language|text)_model\.(model\.)?layers\.\d+"  # in memory, and in checkpoints of older versions
OUTSIDE = r".*\.cross_attn\.[kv]_proj"  # gets pictures that stand outside the prompt, and no token of it
LINEAR = LAYER + r"\.(.*_proj|feed_forward\.w\d)"


def decoder_linears(model: nn.Module) -> dict[str, nn.Linear]:
    """Find the linear layers that a weights method may touch.

    Raises: InputError for a model that has none under the known names.
    """
    named = model.named_modules()
    found = {name: part for name, part in named if isinstance(part, nn.Linear) and re.fullmatch(LINEAR, name)}
    if not found:
        raise InputError(
            f"{type(model).__name__} has no linear layers named language_model.layers.N.*_proj or the like"
        )
    return found


def linears_by_layer(model: nn.Module) -> list[dict[str, nn.Linear]]:
    """Find the linear layers of each decoder layer, in order of execution."""
    linears = decoder_linears(model).items()
    return [{key: part for key, part in linears if key.startswith(f"{name}.")} for name in decoder_layers(model)]


def decoder_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Find the decoder's layers, in order of execution."""
    return {name: part for name, part in model.named_modules() if re.fullmatch(LAYER, name)}
