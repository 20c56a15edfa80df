"""Models and samples on which llmcompressor would fail without an exception: each is an InputError of one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import nonzero_shares, quantised
from leanvlm.methods.weights._weights import Samples
from leanvlm.processes.quiet import quiet

MOST_ZEROS = 0.05  # of a linear layer's weights; a layer that was trained has hardly any


def refuse(model: PreTrainedModel, calibration: Samples | None) -> None:
    """Refuse what cannot be rewritten as it is; `calibration` is None for what looks at no sample.

    Raises: InputError for a model that is quantised, cut in memory or pruned, and for samples of several kinds.
    """
    _refuse_quantised(model)
    _refuse_reshaped(model)
    if calibration is not None:
        _refuse_mixed(calibration)
        _refuse_pruned(model)


def refuse_datafree(recipe: Sequence[Any], calibration: Samples | None) -> None:
    """Stop where an algorithm that listens gets nothing to listen to."""
    for modifier in recipe:
        if modifier.requires_calibration_data and not calibration:
            raise InputError(f"{type(modifier).__name__} needs calibration samples, and there are none")


def _refuse_quantised(model: nn.Module) -> None:
    if quantised(model):
        raise InputError("the model is quantised already; name a checkpoint in 16 bits under `models:`")


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


def _refuse_mixed(calibration: Samples) -> None:
    kinds = {tuple(sorted(sample)) for sample in calibration}
    if len(kinds) > 1:
        raise InputError(f"calibration samples must be of one kind, all with pictures; these have {sorted(kinds)}")


def _refuse_pruned(model: nn.Module) -> None:
    for name, share in nonzero_shares(model).items():
        if share < 1 - MOST_ZEROS:
            raise InputError(
                f"{1 - share:.0%} of {name} are zeros, which a method that makes good its errors would fill; "
                "quantise a pruned model with weights/rtn"
            )
