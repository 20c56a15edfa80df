"""Walk the tree of shared work once for one sample: all that comes before each recipe's first token.

A sample that a model cannot be asked is refused for the recipes that it concerns, and nobody else is kept from asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from PIL.Image import Image
from torch import Tensor

from leanvlm.engine import centers
from leanvlm.engine.evict import CacheSize
from leanvlm.engine.features import FeatureStore
from leanvlm.engine.naming import naming, refuse_not_finite
from leanvlm.engine.passes import count_tokens, encoder_signals, keep_cache, read_prompt, show
from leanvlm.engine.prefill import Prefilled
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.steps import DecodeStart
from leanvlm.engine.tree import Branch
from leanvlm.engine.vision import run_vision
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.models._prompting import without_places
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Prepared:
    """What is known of a recipe's answer before its first token."""

    sample_id: str
    recipe: Recipe
    prompt_tokens: int
    visual_tokens: int
    visual_runs: int
    size: CacheSize
    visual_tokens_kept: float  # mean over decoder layers
    position_bytes: int  # of one prompt position over all layers
    image_kept: float  # share of the pixels that was shown
    tokens_kept: float  # share of the visual tokens that entered the last layer
    kept_centers: bytes | None  # of the visual tokens that are left, where a token method chose; see centers.py


@dataclass(frozen=True)
class Refused:
    """A sample that a recipe cannot be asked, and why."""

    sample_id: str
    recipe: Recipe
    reason: str


@dataclass(frozen=True)
class _Shown:
    """The prompt that one picture makes, beside the original one's counts."""

    prompt: Prompt
    prompt_tokens: int
    visual_tokens: int
    area: float  # share of the pixels
    centers: Tensor | None  # (visual, 3): picture, x, y


def prepare(
    model: LoadedModel, sample: Sample, tree: Sequence[Branch], limit: int, *, features: FeatureStore | None = None
) -> Iterator[tuple[Prepared, DecodeStart] | Refused]:
    """Yield each recipe's own cache, ready to decode from, and what is known of it, or that it is refused.

    Refused is what the processor cannot take, and a prompt that, with an answer of `limit` tokens, does not fit.

    Takes: features, where vision passes are kept, if they are.
    """
    try:
        images = model.shown(sample)
        whole = _inputs(model, sample, images)
        with naming(sample, images):
            counts = count_tokens(model, whole["input_ids"], limit)
    except InputError as error:
        yield from _refused(sample, tree, error)
        return
    for shown in tree:
        try:
            looked = _look(model, sample, images, whole, counts, shown, features)
        except InputError as error:
            yield from _refused(sample, [shown], error)
            continue
        for read in shown.branches:
            prefilled = read_prompt(model, looked.prompt, read.part, sample.sample_id, read.recipes)
            refuse_not_finite(prefilled.logits, sample)
            for kept in read.branches:
                for recipe in kept.recipes:  # decoding fills a cache, so each recipe gets a copy of its own
                    cache = keep_cache(kept.part, prefilled, sample.sample_id)
                    start = DecodeStart(cache.cache, prefilled.logits, prefilled.next_position)
                    yield _prepared(sample, recipe, looked, prefilled, cache.size), start


def _refused(sample: Sample, branches: Sequence[Branch], error: InputError) -> Iterator[Refused]:
    for branch in branches:
        yield from (Refused(sample.sample_id, recipe, str(error)) for recipe in branch.recipes)


def _inputs(model: LoadedModel, sample: Sample, images: Sequence[Image]) -> dict[str, Tensor]:
    with naming(sample, images):
        question = sample.question if images else without_places(sample.question)
        return model.inputs_for(images, question, sample.fps)


def _look(
    model: LoadedModel,
    sample: Sample,
    images: Sequence[Image],
    whole: dict[str, Tensor],
    counts: tuple[int, int],
    branch: Branch,
    features: FeatureStore | None,
) -> _Shown:
    """Show the pictures, or what an image method makes of them, to the vision tower."""
    shown = show(branch.part, images)
    inputs = _inputs(model, sample, shown) if branch.part else whole
    reduces = any(recipe.part("tokens") for recipe in branch.recipes)
    wanted = encoder_signals(branch.recipes)
    see = partial(run_vision, model, inputs, wanted=wanted)
    is_kept = bool(shown) and not wanted  # signals are large, and few recipes ask for them
    return _Shown(
        prompt=features.prompt(model, sample, branch.part, see) if features and is_kept else see(),
        prompt_tokens=counts[0],
        visual_tokens=counts[1],
        area=_area(shown) / _area(images) if images else 1.0,
        centers=model.token_centers(inputs) if images and reduces else None,
    )


def _prepared(sample: Sample, recipe: Recipe, looked: _Shown, prefilled: Prefilled, size: CacheSize) -> Prepared:
    received = prefilled.is_visual
    return Prepared(
        sample_id=sample.sample_id,
        recipe=recipe,
        prompt_tokens=looked.prompt_tokens,
        visual_tokens=looked.visual_tokens,
        visual_runs=len(looked.prompt.spans),
        size=size,
        visual_tokens_kept=sum(int(layer.sum()) for layer in received) / len(received),
        position_bytes=sum(states[:, :, :1].nbytes for states in (*prefilled.keys, *prefilled.values)),
        image_kept=looked.area,
        tokens_kept=_share(prefilled, looked.prompt),
        kept_centers=_kept_centers(looked, prefilled) if recipe.part("tokens") else None,
    )


def _area(images: Sequence[Image]) -> int:
    return sum(image.width * image.height for image in images)


def _share(prefilled: Prefilled, prompt: Prompt) -> float:
    return int(prefilled.is_visual[-1].sum()) / prompt.n_visual if prompt.n_visual else 1.0


def _kept_centers(looked: _Shown, prefilled: Prefilled) -> bytes | None:
    """Say where in their pictures the visual tokens lie that are left."""
    if looked.centers is None:
        return None
    kept = torch.searchsorted(looked.prompt.index[looked.prompt.is_visual], prefilled.visual_index)
    return centers.pack(looked.centers[kept.to(looked.centers.device)])
