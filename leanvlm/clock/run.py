"""Answer a batch of prompts with one recipe, phase by phase, sharing nothing with any other run.

A batch is read as the engine reads it, one prompt after the other, and decoded side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from leanvlm.clock.stopwatch import Stopwatch, Watch
from leanvlm.engine.decode.decode import decode
from leanvlm.engine.decode.steps import DecodeStart, steps
from leanvlm.engine.passes import count_tokens, encoder_signals, enter, keep_cache, of_patches, read_entered, show
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.refusal import refuse
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Seconds:
    """What a batch took, phase by phase.

    `preprocess`: pictures and words become tensors; `vision`: the tower and the projector; `selection`: choosing and
    copying what a method keeps, at the decoder's door and in the cache; `prefill`: from the tensors to the last first
    token of the batch, vision and selection included; `decode`: a step that adds one token to every answer; `total`:
    all of it, preprocessing too. What a method computes inside the decoder's layers is part of the prefill alone.
    """

    preprocess: float
    vision: float
    selection: float
    prefill: float
    decode: float
    total: float


def run(model: LoadedModel, samples: Sequence[Sample], recipe: Recipe, *, new_tokens: int) -> Seconds:
    """Answer once and read the clock after each phase; each answer gets `new_tokens` tokens, of which 2 are the least.

    Raises: InputError for a method that has no place in this architecture, and for a prompt that is too long.
    """
    watch = Stopwatch(model.model.device)
    answer(model, samples, recipe, watch, new_tokens=new_tokens)
    return to_seconds(watch.seconds(), new_tokens)


def answer(
    model: LoadedModel, samples: Sequence[Sample], recipe: Recipe, watch: Watch, *, new_tokens: int
) -> list[DecodeStart]:
    """Answer a batch while `watch` looks on: phases preprocess, vision, selection, read, decode.

    Returns what decoding began on; the caches have grown since.
    """
    refuse(model, [recipe])
    with watch.phase("preprocess"):
        asked = [_inputs(model, sample, recipe) for sample in samples]
    for inputs in asked:
        count_tokens(model, inputs, new_tokens)
    with watch.phase("vision"):
        prompts = [_see(model, inputs, sample, recipe) for inputs, sample in zip(asked, samples, strict=True)]
    return answer_prompts(model, prompts, recipe, samples[0].sample_id, watch, new_tokens=new_tokens)


def answer_prompts(
    model: LoadedModel, prompts: Sequence[Prompt], recipe: Recipe, sample_id: str, watch: Watch, *, new_tokens: int
) -> list[DecodeStart]:
    """Go from the decoder's door to the last token."""
    starts = [_read(model, prompt, recipe, sample_id, watch) for prompt in prompts]
    with watch.phase("decode"), torch.inference_mode():
        if len(starts) == 1:
            for _ in islice(steps(model, starts[0]), new_tokens):
                pass
        else:
            decode(model, starts, stops=frozenset(), limit=new_tokens, rows=len(starts))
    return starts


def to_seconds(phases: dict[str, float], new_tokens: int) -> Seconds:
    """Add phases up to what users know them by; the first token is there when the prompts are read."""
    vision, selection = phases.get("vision", 0.0), phases["selection"]
    prefill = vision + selection + phases["read"]
    preprocess = phases.get("preprocess", 0.0)
    return Seconds(
        preprocess=preprocess,
        vision=vision,
        selection=selection,
        prefill=prefill,
        decode=phases["decode"] / (new_tokens - 1),
        total=preprocess + prefill + phases["decode"],
    )


def _inputs(model: LoadedModel, sample: Sample, recipe: Recipe) -> dict[str, Tensor]:
    shown = show(recipe.part("image"), model.shown(sample))
    return model.inputs_for(shown, sample.question, sample.fps)


def _see(model: LoadedModel, inputs: dict[str, Tensor], sample: Sample, recipe: Recipe) -> Prompt:
    wanted, method = encoder_signals([recipe]), of_patches(recipe.part("image"))
    return run_vision(model, inputs, wanted=wanted, is_video=sample.fps is not None, method=method)


def _read(model: LoadedModel, prompt: Prompt, recipe: Recipe, sample_id: str, watch: Watch) -> DecodeStart:
    """Read one prompt and keep what the recipe keeps of its cache."""
    with watch.phase("selection"):
        entered = enter(prompt, recipe.part("tokens"), sample_id)
    with watch.phase("read"):
        read = read_entered(model, entered, recipe.part("tokens"), sample_id, [recipe])
    with watch.phase("selection"):
        kept = keep_cache(recipe, read, sample_id)
    return DecodeStart(kept.cache, read.logits, read.next_position)
