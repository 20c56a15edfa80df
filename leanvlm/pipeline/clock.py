"""Time every recipe of the grid, alone and side by side with the full model, in rounds over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from leanvlm.engine.clock import Seconds, pair, run
from leanvlm.engine.conversations import conversations
from leanvlm.engine.passes import count_tokens
from leanvlm.engine.worker import read_samples
from leanvlm.errors import InputError
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.params import Params
from leanvlm.pipeline.cells import runnable
from leanvlm.pipeline.models import checkpoint
from leanvlm.recipes import FULL, Recipe, parse
from leanvlm.sample import Sample
from leanvlm.tables.timings import PHASES

FULL_MODEL = parse(FULL)


@dataclass(frozen=True)
class Timer:
    """One recipe on one sample, and the full model on the same."""

    recipe: str
    index: int  # of the sample
    shape: tuple[int, int]  # prompt tokens, and visual ones among them
    mine: Callable[[], Seconds]
    full: Callable[[], Seconds]


def rows(params: Params) -> list[dict[str, Any]]:
    """Time every recipe that runs; other seeds of a random control cost the same and are left out.

    Single prompts are timed: of a conversation its first turn.
    """
    first_turns = (turns[0] for turns in conversations(read_samples(params.clock.benchmark)))
    samples = list(islice(first_turns, params.clock.samples))
    if not samples:
        raise InputError(f"clock.benchmark is {params.clock.benchmark!r}, which has no samples here; name another")
    found = []
    for name in params.grid.models:
        recipes = [recipe for recipe in runnable(params, name) if "seed=" not in recipe.text]
        n_pairs = len(recipes) * len(samples) * params.clock.repeats
        for timer, repeat, mine, full in tqdm(
            _measured(params, name, recipes, samples), f"{name} timings", n_pairs, unit="pair"
        ):
            number = timer.index * params.clock.repeats + repeat
            found += [_row(params, name, timer, number, phase, mine, full) for phase in PHASES]
    return found


def _measured(
    params: Params, name: str, recipes: Sequence[Recipe], samples: Sequence[Sample]
) -> Iterator[tuple[Timer, int, Seconds, Seconds]]:
    """Time one checkpoint after the other, each held beside the full model."""
    full = _loaded(params, name, FULL_MODEL)
    for sharing in _by_checkpoint(params, name, recipes):
        model = full if sharing[0].part("weights") is None else _loaded(params, name, sharing[0])
        timers = [timer for recipe in sharing for timer in _timers(params, full, model, recipe, samples)]
        yield from _rounds(timers, repeats=params.clock.repeats)


def _by_checkpoint(params: Params, name: str, recipes: Sequence[Recipe]) -> list[list[Recipe]]:
    """Group recipes that run on the same weights, so that each checkpoint is loaded once."""
    groups: dict[Path, list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(params.folder(name, recipe), []).append(recipe)
    return list(groups.values())


def _loaded(params: Params, name: str, recipe: Recipe) -> LoadedModel:
    return load_model(**vars(checkpoint(params, name, recipe)))


def _timers(
    params: Params, full: LoadedModel, model: LoadedModel, recipe: Recipe, samples: Sequence[Sample]
) -> Iterator[Timer]:
    new_tokens = params.clock.new_tokens
    for index, sample in enumerate(samples):
        mine, reference = (
            partial(run, on, sample, one, new_tokens=new_tokens) for on, one in ((model, recipe), (full, FULL_MODEL))
        )
        inputs = full.inputs_for(full.shown(sample), sample.question, sample.fps)
        shape = count_tokens(full, inputs["input_ids"], new_tokens)
        yield Timer(recipe=recipe.text, index=index, shape=shape, mine=mine, full=reference)


def _rounds(timers: Sequence[Timer], *, repeats: int) -> Iterator[tuple[Timer, int, Seconds, Seconds]]:
    """Measure in rounds over all timers: what slows the machine for a minute then slows one repeat of each recipe."""
    for timer in timers:
        pair(timer.full, timer.mine, repeat=0)  # warms up
    for repeat in range(repeats):
        for timer in timers:
            yield timer, repeat, *pair(timer.full, timer.mine, repeat=repeat)


def _row(
    params: Params,
    name: str,
    timer: Timer,
    repeat: int,
    phase: str,
    mine: Seconds,
    full: Seconds,
) -> dict[str, Any]:
    return {
        "model": name,
        "recipe": timer.recipe,
        "device": params.answer.device,
        "engine": "leanvlm",
        "dtype": params.dtype(name),
        "attention": "sdpa",
        "phase": phase,
        "batch_size": 1,
        "prompt_tokens": timer.shape[0],
        "visual_tokens": timer.shape[1],
        "new_tokens": params.clock.new_tokens,
        "repeat": repeat,
        "is_shape_only": False,
        "seconds": getattr(mine, phase),
        "full_seconds": getattr(full, phase),
    }
