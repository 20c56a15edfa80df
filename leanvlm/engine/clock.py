"""Measure seconds: each recipe alone, side by side with the full model in the same repeat, never sharing work.

Both sides use the same attention kernel, prompt and number of new tokens; a first, unmeasured round warms up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch

from leanvlm.engine.passes import count_tokens, encoder_signals, keep_cache, read_prompt, show
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.refusal import refuse
from leanvlm.engine.steps import DecodeStart, steps
from leanvlm.engine.vision import run_vision
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Seconds:
    """One run of one prompt; `prefill` is the time to the first token, vision included; `decode` is per new token."""

    vision: float
    prefill: float
    decode: float
    total: float


def run(model: LoadedModel, sample: Sample, recipe: Recipe, *, new_tokens: int) -> Seconds:
    """Answer once with one recipe and read the clock after each phase."""
    refuse(model, [recipe])
    shown = show(recipe.part("image"), model.shown(sample))
    inputs = model.inputs_for(shown, sample.question, sample.fps)
    count_tokens(model, inputs["input_ids"], new_tokens)
    start = _now(model)
    prompt = run_vision(model, inputs, wanted=encoder_signals([recipe]))
    vision = _now(model) - start
    rest = run_decoder(model, prompt, recipe, sample.sample_id, new_tokens=new_tokens)
    return Seconds(vision=vision, prefill=vision + rest.prefill, decode=rest.decode, total=vision + rest.total)


def run_decoder(model: LoadedModel, prompt: Prompt, recipe: Recipe, sample_id: str, *, new_tokens: int) -> Seconds:
    """Go from the decoder's entrance to the last token."""
    start = _now(model)
    read = read_prompt(model, prompt, recipe.part("tokens"), sample_id, [recipe])
    kept = keep_cache(recipe.part("cache"), read, sample_id)
    with torch.inference_mode():
        tokens = islice(steps(model, DecodeStart(kept.cache, read.logits, read.next_position)), new_tokens)
        next(tokens)
        first = _now(model)
        for _ in tokens:
            pass
    end = _now(model)
    return Seconds(vision=0.0, prefill=first - start, decode=(end - first) / (new_tokens - 1), total=end - start)


def pairs(
    full: Callable[[], Seconds], recipe: Callable[[], Seconds], *, repeats: int
) -> Iterator[tuple[Seconds, Seconds]]:
    """Yield the recipe's seconds beside the full model's, after an unmeasured round that warms up."""
    pair(full, recipe, repeat=0)
    for repeat in range(repeats):
        yield pair(full, recipe, repeat=repeat)


def pair(full: Callable[[], Seconds], recipe: Callable[[], Seconds], *, repeat: int) -> tuple[Seconds, Seconds]:
    """Return the recipe's seconds and the full model's; who goes first alternates, so that drift cancels."""
    if repeat % 2:
        slow = full()
        return recipe(), slow
    fast = recipe()
    return fast, full()


def _now(model: LoadedModel) -> float:
    if model.model.device.type == "cuda":
        torch.cuda.synchronize(model.model.device)
    return time.perf_counter()
