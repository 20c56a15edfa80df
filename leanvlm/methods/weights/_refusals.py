"""Models that would be rewritten wrongly without an exception: each is an InputError of one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import nonzero_shares, quantised
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
    for method in methods:
        method.refuse_widths(model)


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
