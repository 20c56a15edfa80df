"""Walk the tree of shared work once for one sample: all that comes before each recipe's first token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from transformers import Cache

from leanvlm.engine.cache.size import CacheSize
from leanvlm.engine.decode.steps import DecodeStart, Turn
from leanvlm.engine.laying import Laid, Pieces, Refused, refused
from leanvlm.engine.naming import refuse_not_finite
from leanvlm.engine.passes import encoder_signals, keep_cache, of_patches, read_prompt
from leanvlm.engine.prefill.prefill import Prefilled
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.vision import centers
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Prepared:
    """What is known of a recipe's answer before its first token."""

    sample: Sample
    recipe: Recipe
    prompt_tokens: int
    visual_tokens: int
    visual_runs: int
    size: CacheSize
    visual_tokens_kept: float  # mean over decoder layers
    position_bytes: int  # of one prompt position over all layers
    looked_bytes: int  # of all pictures outside the prompt, if nothing of them is dropped
    image_kept: float  # share of the pixels that was shown
    tokens_kept: float  # share of the visual tokens that entered the last layer
    kept_centers: bytes | None  # of the visual tokens that are left, where a token method chose; see centers.py

    def then(self, turn: Turn, *, n_said: int) -> Prepared:
        """Say what is known of the next turn: all that came since the first prompt is held, whatever the recipe.

        Takes: n_said, the tokens of the answer between, without the one that stopped it.
        """
        n = n_said + len(turn.ids)
        return replace(self, sample=turn.sample, prompt_tokens=self.prompt_tokens + n, size=self.size.after(n))


@dataclass(frozen=True)
class _Shown:
    """What the decoder gets of a sample that was laid out."""

    laid: Laid
    prompt: Prompt
    centers: Tensor | None  # (visual, 3): picture, x, y


def prepare(
    model: LoadedModel, pieces: Pieces, *, features: FeatureStore | None = None
) -> Iterator[tuple[Prepared, DecodeStart] | Refused]:
    """Yield each recipe's own cache, ready to decode from, and what is known of it, or that it is refused.

    Takes: pieces, what was laid out of one sample; features, where vision passes are kept, if they are.
    """
    for laid in pieces:
        if isinstance(laid, Refused):
            yield laid
            continue
        try:
            looked = _look(model, laid, features)
        except InputError as error:
            yield from refused(laid.sample, [laid.branch], error)
            continue
        sample = laid.sample
        for read in laid.branch.branches:
            try:
                prefilled = read_prompt(model, looked.prompt, read.part, sample.sample_id, read.recipes)
            except InputError as error:
                yield from refused(sample, [read], error)
                continue
            refuse_not_finite(prefilled.logits, sample)
            for kept in read.branches:
                for recipe in kept.recipes:  # decoding fills a cache, so each recipe gets a copy of its own
                    cache = keep_cache(recipe, prefilled, sample.sample_id)
                    start = _start(laid, cache.cache, prefilled)
                    yield _prepared(recipe, looked, prefilled, cache.size), start


def _start(laid: Laid, cache: Cache, prefilled: Prefilled) -> DecodeStart:
    return DecodeStart(
        cache=cache,
        logits=prefilled.logits,
        position=prefilled.next_position,
        limit=laid.limit,
        stop_texts=laid.sample.stop_texts if laid.later else (),
        later=laid.later,
    )


def _look(model: LoadedModel, laid: Laid, features: FeatureStore | None) -> _Shown:
    """Show the pictures, or what an image method made of them, to the vision tower."""
    branch = laid.branch
    inputs = {name: value.to(model.model.device) for name, value in laid.inputs.items()}
    wanted = encoder_signals(branch.recipes)
    is_video, method = laid.sample.fps is not None, of_patches(branch.part)
    see = partial(run_vision, model, inputs, wanted=wanted, is_video=is_video, method=method)
    is_kept = laid.has_images and not wanted  # signals are large, and few recipes ask for them
    reduces = any(recipe.part("tokens") for recipe in branch.recipes)
    return _Shown(
        laid=laid,
        prompt=features.prompt(model, laid.sample, branch.part, see) if features and is_kept else see(),
        centers=model.token_centers(inputs) if laid.has_images and reduces else None,
    )


def _prepared(recipe: Recipe, looked: _Shown, prefilled: Prefilled, size: CacheSize) -> Prepared:
    received = prefilled.n_visual
    return Prepared(
        sample=looked.laid.sample,
        recipe=recipe,
        prompt_tokens=looked.laid.prompt_tokens,
        visual_tokens=looked.laid.visual_tokens,
        visual_runs=len(looked.prompt.spans),
        size=size,
        visual_tokens_kept=sum(received) / len(received),
        position_bytes=sum(states[:, :, :1].nbytes for states in (*prefilled.keys, *prefilled.values)),
        looked_bytes=_looked_bytes(prefilled, looked.prompt),
        image_kept=looked.laid.area * _made_share(looked),
        tokens_kept=_share(prefilled, looked.prompt),
        kept_centers=_kept_centers(looked, prefilled) if recipe.part("tokens") else None,
    )


def _made_share(looked: _Shown) -> float:
    """Return the share of the visual tokens that the vision tower made: all, unless patches were left out."""
    n_made, n_left_out = looked.prompt.n_visual, looked.laid.inputs["input_ids"].shape[1] - len(looked.prompt.index)
    return n_made / (n_made + n_left_out) if n_left_out else 1.0


def _share(prefilled: Prefilled, prompt: Prompt) -> float:
    return prefilled.n_visual[-1] / prompt.n_visual if prompt.n_visual else 1.0


def _looked_bytes(prefilled: Prefilled, prompt: Prompt) -> int:
    """Say what layers hold of pictures outside the prompt where nothing is dropped."""
    if prompt.crossed is None:
        return 0
    of_one = sum(layer.nbytes // layer.get_seq_length() for layer in prefilled.looked.values())
    return of_one * int(prompt.crossed.seen.sum())


def _kept_centers(looked: _Shown, prefilled: Prefilled) -> bytes | None:
    """Say where in their pictures the visual tokens lie that are left."""
    if looked.centers is None:
        return None
    kept = torch.searchsorted(looked.prompt.index[looked.prompt.is_visual], prefilled.visual_index)
    return centers.pack(looked.centers[kept.to(looked.centers.device)])
