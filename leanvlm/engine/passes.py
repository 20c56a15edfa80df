"""The pieces of work before an answer's first token: show the picture, read the prompt, keep the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce
from operator import or_

import torch
from PIL.Image import Image
from torch import Tensor

from leanvlm.engine.evict import EvictedCache, evict
from leanvlm.engine.prefill.prefill import Prefilled, prefill
from leanvlm.engine.prompt import Prompt, reduce_at_entrance
from leanvlm.errors import InputError
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._image import ImageMethod, PatchMethod
from leanvlm.methods._method import SeededMethod
from leanvlm.methods._signals import Wanted
from leanvlm.methods._storage import StoringMethod
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, TokenMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Part, Recipe


def count_tokens(model: LoadedModel, inputs: dict[str, Tensor], limit: int) -> tuple[int, int]:
    """Count a prompt's tokens, and its visual ones.

    Raises: InputError where prompt and answer together are more than the engine can handle.
    """
    n = inputs["input_ids"].shape[1]
    refuse_long(model, n, limit)
    return n, model.n_visual(inputs)


def refuse_long(model: LoadedModel, n: int, limit: int) -> None:
    """Refuse a prompt of `n` tokens that, with an answer of `limit`, is more than the engine can handle.

    Raises: InputError.
    """
    room = model.context_limit
    if room is not None and n + limit > room:
        raise InputError(f"a prompt of {n} tokens and an answer of {limit} do not fit into this model's window of "
                         f"{room}; ask about fewer pictures or lower answer.max_new_tokens")  # fmt: skip


def show(part: Part | None, images: Sequence[Image]) -> Sequence[Image]:
    """Return the pictures that the model gets."""
    return part.built.transform(images) if part and isinstance(part.built, ImageMethod) else images


def of_patches(part: Part | None) -> PatchMethod | None:
    """Return the method of a part that leaves out patches, if it does."""
    return part.built if part and isinstance(part.built, PatchMethod) else None


def enter(prompt: Prompt, part: Part | None, sample_id: str) -> Prompt:
    """Let a token method that acts at the decoder's door reduce the prompt; others leave it as it is."""
    entrance = part.built if part and isinstance(part.built, EntranceMethod) else None
    return reduce_at_entrance(prompt, entrance, rng_for(part, sample_id))


def read_prompt(
    model: LoadedModel, prompt: Prompt, part: Part | None, sample_id: str, recipes: Sequence[Recipe]
) -> Prefilled:
    """Reduce the prompt by a token method and run the decoder over it, keeping all signals that the recipes need."""
    return read_entered(model, enter(prompt, part, sample_id), part, sample_id, recipes)


def read_entered(
    model: LoadedModel, entered: Prompt, part: Part | None, sample_id: str, recipes: Sequence[Recipe]
) -> Prefilled:
    """Run the decoder over what entered; a token method that acts inside it drops tokens on the way."""
    on_cache = [one.built for recipe in recipes for one in recipe.parts_on("cache")]
    evicting = [one for one in on_cache if isinstance(one, CacheMethod)]
    return prefill(
        model,
        entered,
        wanted=reduce(or_, (one.wants(entered.is_visual) for one in evicting), Wanted()),
        method=part.built if part and isinstance(part.built, TokenMethod) else None,
        rng=rng_for(part, sample_id),
        copies=2 if any(recipe.is_rebatched for recipe in recipes) else 1,
    )


def keep_cache(recipe: Recipe, prefilled: Prefilled, sample_id: str) -> EvictedCache:
    """Copy what a recipe keeps of the cache, or all of it, stored as it says."""
    parts = recipe.parts_on("cache")
    evicting = next((part for part in parts if isinstance(part.built, CacheMethod)), None)
    method = evicting.method_as(CacheMethod) if evicting else None
    storage = next((part.built for part in parts if isinstance(part.built, StoringMethod)), None)
    return evict(prefilled, method, rng_for(evicting, sample_id), storage)


def encoder_signals(recipes: Sequence[Recipe]) -> set[EncoderSignal]:
    """Collect what the recipes' token methods read of the vision tower."""
    methods = [part.built for recipe in recipes if (part := recipe.part("tokens"))]
    return {method.encoder for method in methods if isinstance(method, TokenMethod) and method.encoder}


def rng_for(part: Part | None, sample_id: str) -> torch.Generator:
    """Make the generator of one part on one sample: its seed and the sample decide, nothing else."""
    seed = part.built.seed if part and isinstance(part.built, SeededMethod) else 0
    digest = hashlib.sha256(f"{sample_id}|{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
