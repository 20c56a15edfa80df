"""Make one compressed checkpoint of one model of params.yaml, and note what that cost."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import Audit
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._weights import Samples, WeightsMethod
from leanvlm.models._model import LoadedModel, load_model
from leanvlm.params import Params
from leanvlm.pipeline import calibration
from leanvlm.pipeline.models import architecture
from leanvlm.pipeline.widths import width_refusal
from leanvlm.recipes import Recipe, parse, slug
from leanvlm.tables.calibration import TABLE


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
    source = params.source(name)
    loaded = load_model(architecture(params, name), source, max_pixels=params.models[name].max_pixels or None)
    samples = calibration.inputs(loaded, TABLE.read(files.CALIBRATION).to_pylist())
    started = time.perf_counter()
    write(recipe, loaded, samples, source=source, folder=folder)
    seconds, kibibytes = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    costs = {"calibration_samples": len(samples), "seconds": seconds, "peak_bytes": 1024 * kibibytes}
    files.write(json.dumps(costs, indent=2) + "\n", files.costs(name, slug(recipe.text)))


def write(recipe: Recipe, loaded: LoadedModel, samples: Samples, *, source: Path, folder: Path) -> Audit:
    """Write the checkpoint and its audit to `folder`, whole or not at all; `loaded`, read from `source`, is spent.

    Raises: as `produce`.
    """
    methods = [part.method_as(WeightsMethod) for part in recipe.parts]
    with files.whole(folder) as part:
        part.mkdir()
        return produce(methods, loaded.model, loaded.processor, samples, source=source, folder=part)


def _recipe(params: Params, name: str, text: str) -> Recipe:
    recipe = parse(params.weights.get(text, text))
    if name not in params.models:
        raise InputError(f"no model {name!r} under `models:` in params.yaml; it has {', '.join(params.models)}")
    if recipe.acts_on != "weights":
        raise InputError(f"compress takes one weights method, not {recipe.text!r}")
    return recipe
