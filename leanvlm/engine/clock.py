"""Measure seconds: each recipe alone, side by side with the full model in the same repeat, never sharing work.

Both sides use the same attention kernel, prompt and number of new tokens; a first, unmeasured round warms up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from PIL.Image import Image

from leanvlm.engine.decode import Start, steps
from leanvlm.engine.reading import counts, encoder_signals, evict_for, method_of, read_prompt
from leanvlm.engine.refusal import refuse
from leanvlm.engine.vision import Prompt, see
from leanvlm.methods._image import ImageMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe


@dataclass(frozen=True)
class Seconds:
    """One run of one prompt; `prefill` is the time to the first token, vision included; `decode` is per new token."""

    vision: float
    prefill: float
    decode: float
    total: float


def run(
    model: LoadedModel,
    images: Sequence[Image],
    question: str,
    sample_id: str,
    recipe: Recipe,
    *,
    new_tokens: int,
    fps: float | None = None,
) -> Seconds:
    """Answer once with one recipe and read the clock after each phase."""
    refuse(model, [recipe])
    part = recipe.part("image")
    inputs = model.inputs_for(method_of(part, ImageMethod).transform(images) if part else images, question, fps)
    counts(model, inputs["input_ids"], new_tokens)
    start = _now(model)
    prompt = see(model, inputs, wanted=encoder_signals([recipe]))
    vision = _now(model) - start
    rest = run_decoder(model, prompt, recipe, sample_id, new_tokens=new_tokens)
    return Seconds(vision, vision + rest.prefill, rest.decode, vision + rest.total)


def run_decoder(model: LoadedModel, prompt: Prompt, recipe: Recipe, sample_id: str, *, new_tokens: int) -> Seconds:
    """Go from the decoder's door to the last token."""
    start = _now(model)
    read = read_prompt(model, prompt, recipe.part("tokens"), sample_id, [recipe])
    kept = evict_for(recipe, read, sample_id)
    with torch.inference_mode():
        tokens = islice(steps(model, Start(kept.cache, read.logits, read.next_position)), new_tokens)
        next(tokens)
        first = _now(model)
        for _ in tokens:
            pass
    end = _now(model)
    return Seconds(0.0, first - start, (end - first) / (new_tokens - 1), end - start)


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
