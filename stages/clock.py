"""timings -- how long each recipe takes, measured alone and side by side with the full model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from leanvlm.cells import runnable
from leanvlm.engine.clock import Seconds, pairs, run
from leanvlm.engine.reading import counts
from leanvlm.engine.worker import Asked, read_asked
from leanvlm.errors import exit_on_error
from leanvlm.models._model import LoadedModel, load_model
from leanvlm.params import Params, load
from leanvlm.processes import die_with_parent
from leanvlm.recipe import Recipe, parse
from leanvlm.tables import timings

PHASES = ("vision", "prefill", "decode", "total")
FULL = parse("controls/full")


def main() -> None:
    """Time every recipe that runs; other seeds of a random control cost the same and are left out."""
    die_with_parent()
    params = load(Path("params.yaml"))
    torch.set_num_threads(params.clock.threads)
    asked = read_asked(params.clock.benchmark)[: params.clock.samples]
    rows = []
    for name in params.grid.models:
        recipes = [recipe for recipe in runnable(params, name) if "seed=" not in recipe.text]
        full = _loaded(params, name, FULL)
        for recipe in tqdm(recipes, f"{name} timings", unit="recipe"):
            model = full if recipe.part("weights") is None else _loaded(params, name, recipe)
            rows += _rows(params, name, full, model, recipe, asked)
    timings.TABLE.write(rows, Path("artifacts/timings.parquet"))


def _loaded(params: Params, name: str, recipe: Recipe) -> LoadedModel:
    folder = params.folder(name, recipe)
    return load_model(params.models[name].architecture, folder, dtype=params.answer.dtype, device=params.answer.device)


def _rows(
    params: Params, name: str, full: LoadedModel, model: LoadedModel, recipe: Recipe, asked: list[Asked]
) -> list[dict[str, Any]]:
    rows = []
    for index, sample in enumerate(asked):
        images = sample.pictures()
        timed = partial(run, images=images, question=sample.question, sample_id=sample.sample_id, fps=sample.fps)
        fast = partial(timed, model, recipe=recipe, new_tokens=params.clock.new_tokens)
        slow = partial(timed, full, recipe=FULL, new_tokens=params.clock.new_tokens)
        inputs = full.inputs_for(images, sample.question, sample.fps)
        shape = counts(full, inputs["input_ids"], params.clock.new_tokens)
        for repeat, mine, reference in pairs(slow, fast, repeats=params.clock.repeats):
            number = index * params.clock.repeats + repeat
            rows += [_row(params, name, recipe, shape, number, phase, mine, reference) for phase in PHASES]
    return rows


def _row(
    params: Params,
    name: str,
    recipe: Recipe,
    shape: tuple[int, int],
    repeat: int,
    phase: str,
    mine: Seconds,
    reference: Seconds,
) -> dict[str, Any]:
    return {
        "model": name,
        "recipe": recipe.text,
        "device": params.answer.device,
        "engine": "leanvlm",
        "dtype": params.answer.dtype,
        "attention": "sdpa",
        "phase": phase,
        "batch_size": 1,
        "prompt_tokens": shape[0],
        "visual_tokens": shape[1],
        "new_tokens": params.clock.new_tokens,
        "repeat": repeat,
        "is_shape_only": False,
        "seconds": getattr(mine, phase),
        "full_seconds": getattr(reference, phase),
    }


if __name__ == "__main__":
    exit_on_error(main)
