"""Models that would be rewritten wrongly without an exception: each is an InputError of one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import nonzero_shares, quantised
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.processes.quiet import quiet

if TYPE_CHECKING:  # reading a recipe does without: it takes seconds to import
    from transformers import PreTrainedModel

MOST_ZEROS = 0.05  # of a linear layer's weights; a layer that was trained has hardly any


def refuse(methods: Sequence[WeightsMethod], model: PreTrainedModel) -> None:
    """Refuse what cannot be rewritten as it is.

    Raises: InputError for a model that is quantised or cut in memory, and for widths that a method cannot take.
    """
    if quantised(model):
        raise InputError("the model is quantised already; name a checkpoint in 16 bits under `models:`")
    _refuse_reshaped(model)
    refuse_widths(methods, model)


def refuse_widths(methods: Sequence[WeightsMethod], model: nn.Module) -> None:
    """Refuse widths that a method cannot take, and what would take more room than the model as it is.

    Raises: InputError.
    """
    for method in methods:
        method.refuse_widths(model)
    sizes = [(linear.out_features, linear.in_features) for linear in decoder_linears(model).values()]
    added = sum(n * m * method.added_to((n, m)) for n, m in sizes for method in methods) / sum(n * m for n, m in sizes)
    share = prod(method.budget() for method in methods if not method.compensates) + added
    if share > 1:
        named = " and ".join(method.id for method in methods)
        raise InputError(f"{named} would store {share:.0%} of what the untouched layers take; choose a lower rank")


def refuse_pruned(model: nn.Module) -> None:
    """Refuse a pruned model to a method that makes good its errors: it would fill the zeros."""
    for name, share in nonzero_shares(model).items():
        if share < 1 - MOST_ZEROS:
            raise InputError(
                f"{1 - share:.0%} of {name} are zeros, which a method that makes good its errors would fill; "
                "quantise a pruned model with weights/rtn"
            )


def _refuse_reshaped(model: PreTrainedModel) -> None:
    """Compare the model with what its configuration would build."""
    with torch.device("meta"), quiet():
        told = type(model)(deepcopy(model.config)).state_dict()
    found = model.state_dict()
    other = [name for name in {**told, **found} if getattr(told.get(name), "shape", None) != _shape(found, name)]
    if other:
        raise InputError(
            f"{len(other)} tensors differ from what the model's configuration says, such as {min(other)}; "
            "give the configuration the new shapes, save the model and load it again"
        )


def _shape(tensors: dict[str, Any], name: str) -> Any:
    return getattr(tensors.get(name), "shape", None)
