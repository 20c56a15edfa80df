"""Which weights methods a model's layers cannot take: decided from config.json, before any weight is read.

A network without weights is built of the configuration, and the methods look at its layers.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights._refusals import refuse_widths
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.params import Params
from leanvlm.pipeline.models import architecture
from leanvlm.processes.quiet import quiet
from leanvlm.recipes import Recipe


def width_refusal(params: Params, model: str, recipe: Recipe) -> str | None:
    """Say as a sentence why a model's widths do not allow a recipe's weights methods; None where they do."""
    methods = [part.method_as(WeightsMethod) for part in recipe.parts if part.built.acts_on == "weights"]
    if any(method.together is not None or method.compensates for method in methods):
        try:
            refuse_widths(methods, _network(params, model))
        except InputError as error:
            return str(error)
    return None


def decoder_weights(params: Params, model: str) -> int:
    """Count the weights of the decoder's linear layers; files of some models call them by other names than memory."""
    return sum(linear.weight.numel() for linear in decoder_linears(_network(params, model)).values())


def _network(params: Params, model: str) -> Any:
    return _without_weights(architecture(params, model), str(params.source(model)))


@cache
def _without_weights(architecture: str, folder: str) -> Any:
    kind = plugins.load("models", architecture)
    config = kind.read_config(Path(folder))
    with torch.device("meta"), quiet():
        return kind.network_class(config)
