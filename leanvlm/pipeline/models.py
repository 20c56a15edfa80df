"""What `models:` of params.yaml stands for: a folder here or in the hub's cache, its architecture, how it is asked."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from leanvlm.models._adapter import infer
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.params import Params
from leanvlm.recipes import Recipe


def checkpoint(params: Params, name: str, recipe: Recipe) -> Checkpoint:
    """Say which weights a recipe of a model runs on, and how they are asked."""
    model = params.models[name]
    return Checkpoint(
        architecture=architecture(params, name),
        folder=params.folder(name, recipe),
        dtype=params.dtype(name),
        device=params.answer.device,
        device_map=model.device_map or None,
        max_pixels=model.max_pixels or None,
    )


def architecture(params: Params, name: str) -> str:
    """Name a model's architecture: the one that params.yaml says, else the one that its config.json says."""
    return params.models[name].architecture or _inferred(params.source(name))


@cache
def _inferred(folder: Path) -> str:
    return infer(folder)
