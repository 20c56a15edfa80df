"""Who is timed: the models of the grid on each of their checkpoints, and shapes of models with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from leanvlm.clock.shapes import load_shape, shape_of
from leanvlm.clock.timers import FULL_MODEL
from leanvlm.engine.refusal import refusal
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.params import Params
from leanvlm.pipeline.cells import runnable, without_video
from leanvlm.pipeline.models import checkpoint
from leanvlm.recipes import Recipe, parse

Load = Callable[[], LoadedModel]


@dataclass(frozen=True)
class Subject:
    """A model, and its recipes by the checkpoint that they run on; None is the full model's own."""

    name: str
    dtype: str
    is_shape_only: bool
    full: Load
    groups: tuple[tuple[Load | None, tuple[Recipe, ...]], ...]


def subjects(params: Params) -> list[Subject]:
    """List all. Other seeds of a random control cost the same and are left out, as recipes for videos are elsewhere."""
    of_grid = [_of_grid(params, name) for name in params.grid.models]
    return of_grid + [_shape(params, name) for name in params.clock.shapes]


def _of_grid(params: Params, name: str) -> Subject:
    groups: dict[Path, list[Recipe]] = {}
    for recipe in runnable(params, name):
        if _is_timed(params, recipe):
            groups.setdefault(params.folder(name, recipe), []).append(recipe)
    return Subject(
        name=name,
        dtype=params.dtype(name),
        is_shape_only=False,
        full=_loader(params, name, FULL_MODEL),
        groups=tuple((_own(params, name, sharing[0]), tuple(sharing)) for sharing in groups.values()),
    )


def _is_timed(params: Params, recipe: Recipe) -> bool:
    return "seed=" not in recipe.text and without_video(recipe, params.clock.benchmark) is None


def _own(params: Params, name: str, recipe: Recipe) -> Load | None:
    return _loader(params, name, recipe) if recipe.part("weights") else None


def _loader(params: Params, name: str, recipe: Recipe) -> Load:
    return lambda: load_model(**vars(checkpoint(params, name, recipe)))


def _shape(params: Params, name: str) -> Subject:
    """Time a shape with every recipe that needs no checkpoint of its own and has a place in its architecture."""
    recipes = [parse(text) for text in params.grid.chosen]
    load = partial(load_shape, name, dtype=params.answer.dtype, device=params.answer.device)
    kind, config = shape_of(name)
    able = (one for one in recipes if one.part("weights") is None and refusal(kind, config, one) is None)
    plain = (one for one in able if _is_timed(params, one))
    return Subject(name, params.answer.dtype, True, load, ((None, tuple(plain)),))
