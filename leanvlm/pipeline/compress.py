"""Make one compressed checkpoint of one model of params.yaml, and note what that cost."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterable
from pathlib import Path

import torch

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.methods.weights import _entrances
from leanvlm.methods.weights._audit import Audit
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._entrances import Entering
from leanvlm.methods.weights._lending import Place
from leanvlm.methods.weights._samples import CalibrationSample
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.models._model import LoadedModel
from leanvlm.params import Params
from leanvlm.pipeline.stored import load_stored, place
from leanvlm.pipeline.widths import width_refusal
from leanvlm.recipes import Recipe, parse, slug


def compress(params: Params, name: str, text: str) -> None:
    """Write a checkpoint with its audit, and its costs apart from it.

    A model whose layers a method cannot take gets a folder that says so: its cells are skipped, the others go on.

    Takes: text, a recipe of weights methods, or the slug under which params.yaml lists it.

    Raises: InputError for an unknown model, or a recipe that acts on anything but the weights.
    """
    recipe = _recipe(params, name, text)
    folder = files.checkpoint(name, slug(recipe.text))
    if reason := width_refusal(params, name, recipe):
        with files.whole(folder) as part:
            part.mkdir()
            (part / files.NOT_MADE).write_text(json.dumps({"reason": reason}) + "\n", encoding="utf-8")
        files.write("{}\n", files.costs(name, slug(recipe.text)))
        print(f"{name}: no checkpoint is made, since {reason}")
        return
    entered = _entrances.load(files.entrances(name))
    started, where = time.perf_counter(), place(params)
    loaded = load_stored(params, name)
    make(recipe, loaded, entered, source=params.source(name), folder=folder, where=where)
    seconds, kibibytes = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    costs = {"calibration_samples": len(entered), "seconds": seconds, "peak_bytes": 1024 * kibibytes}
    files.write(json.dumps(costs, indent=2) + "\n", files.costs(name, slug(recipe.text)))
    if where.device == "cuda":
        print(f"{name} {recipe.text}: at most {torch.cuda.max_memory_allocated() / 1e9:.2f} GB of the GPU's memory")


def write(
    recipe: Recipe, loaded: LoadedModel, samples: Iterable[CalibrationSample], *, source: Path, folder: Path
) -> Audit:
    """Record what enters the decoder of each sample, then write the checkpoint, as `make` does."""
    return make(recipe, loaded, _entrances.record(loaded.model, samples), source=source, folder=folder, where=Place())


def make(
    recipe: Recipe, loaded: LoadedModel, entered: list[Entering], *, source: Path, folder: Path, where: Place
) -> Audit:
    """Write the checkpoint and its audit to `folder`, whole or not at all; `loaded`, read from `source`, is spent.

    Raises: as `produce`.
    """
    methods = [part.method_as(WeightsMethod) for part in recipe.parts]
    with files.whole(folder) as part:
        part.mkdir()
        return produce(methods, loaded.model, entered, source=source, folder=part, place=where)


def _recipe(params: Params, name: str, text: str) -> Recipe:
    recipe = parse(params.weights.get(text, text))
    if name not in params.models:
        raise InputError(f"no model {name!r} under `models:` in params.yaml; it has {', '.join(params.models)}")
    if recipe.acts_on != "weights":
        raise InputError(f"compress takes methods that act on the weights, not {recipe.text!r}")
    return recipe
