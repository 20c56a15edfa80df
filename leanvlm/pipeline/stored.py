"""A model as its checkpoint stores it, and where its layers compute while weights methods look at them."""

from __future__ import annotations

from pathlib import Path

import torch

from leanvlm.errors import InputError
from leanvlm.methods.weights._lending import Place
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.models._network import DTYPES
from leanvlm.models._soundness import stored_dtype
from leanvlm.params import Params
from leanvlm.pipeline.models import architecture


def load_stored(params: Params, name: str) -> LoadedModel:
    """Load a model of params.yaml in the type that its files have: most of it stays in their pages."""
    return as_stored(architecture(params, name), params.source(name), max_pixels=params.models[name].max_pixels or None)


def as_stored(kind: str, folder: Path, *, max_pixels: int | None = None) -> LoadedModel:
    """Load a checkpoint in the type that its files have; what enters the network stays in float32."""
    loaded = load_model(kind, folder, dtype=stored_dtype(folder), max_pixels=max_pixels)
    loaded.dtype = torch.float32
    return loaded


def place(params: Params) -> Place:
    """Say where layers compute while checkpoints are made.

    Raises: InputError where a GPU is asked for and there is none.
    """
    if params.compress.device == "cuda" and not torch.cuda.is_available():
        raise InputError("compress.device is 'cuda' and there is none; choose cpu, or run where a GPU is")
    return Place(params.compress.device, DTYPES[params.compress.dtype])
