"""What comes before an answer's first token, once for all recipes alike: vision pass, prefill, eviction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from math import isnan
from operator import or_
from typing import TypeVar

import torch
from PIL.Image import Image
from torch import Tensor

from leanvlm.engine.decode import Start
from leanvlm.engine.evict import Held, Kept, evict
from leanvlm.engine.prefill import Prefilled, prefill
from leanvlm.engine.vision import Prompt, reduce_at_entrance, see
from leanvlm.errors import InputError
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._image import ImageMethod
from leanvlm.methods._signals import Wanted
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, LayerMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Part, Recipe

M = TypeVar("M")


@dataclass(frozen=True)
class Question:
    """One sample as a model is asked it; fps says how many images there are a second where they are one video's."""

    sample_id: str
    text: str
    images: Sequence[Image]
    fps: float | None = None


@dataclass(frozen=True)
class Started:
    """What is known of a recipe's answer before its first token."""

    sample_id: str
    recipe: Recipe
    prompt_tokens: int
    visual_tokens: int
    held: Held
    visual_tokens_kept: float
    position_bytes: int  # of one prompt position over all layers
    achieved: dict[str, float]
    kept_centers: list[dict[str, float]] | None  # of the visual tokens that are left, where a token method chose


def starts(
    model: LoadedModel, question: Question, recipes: Sequence[Recipe], limit: int
) -> Iterator[tuple[Started, Start]]:
    """Do for every recipe what comes before its first token, the vision pass and the prefill once for all alike."""
    images, sample_id = question.images, question.sample_id
    whole = model.inputs_for(images, question.text, question.fps)
    n_prompt, n_visual = counts(model, whole["input_ids"], limit)
    for image_part, alike in _grouped(recipes, "image"):
        shown = method_of(image_part, ImageMethod).transform(images) if image_part else images
        inputs = model.inputs_for(shown, question.text, question.fps) if image_part else whole
        prompt = see(model, inputs, wanted=encoder_signals(alike))
        area = _area(shown) / _area(images) if images else 1.0
        centers = model.token_centers(inputs) if images and any(recipe.part("tokens") for recipe in alike) else None
        for token_part, swept in _grouped(alike, "tokens"):
            read = read_prompt(model, prompt, token_part, sample_id, swept)
            left = _left(centers, prompt, read) if token_part and centers is not None else None
            for recipe in swept:
                kept = evict_for(recipe, read, sample_id)
                achieved = {"image": area, "tokens": _share(read, prompt), "cache": kept.held.share}
                n_kept = sum(int(layer.sum()) for layer in read.is_visual) / len(read.is_visual)
                per_position = sum(states[:, :, :1].nbytes for states in (*read.keys, *read.values))
                known = (n_prompt, n_visual, kept.held, n_kept, per_position)
                started = Started(sample_id, recipe, *known, achieved, left)
                yield started, Start(kept.cache, read.logits, read.next_position)


def counts(model: LoadedModel, ids: Tensor, limit: int) -> tuple[int, int]:
    """Count a prompt's tokens, and the visual ones among them.

    Raises: InputError where prompt and answer together are more than the engine can handle.
    """
    n, room = ids.shape[1], model.context_limit
    if room is not None and n + limit > room:
        raise InputError(f"a prompt of {n} tokens and an answer of {limit} do not fit into this model's window of "
                         f"{room}; ask about fewer pictures or lower answer.max_new_tokens")  # fmt: skip
    return n, int(torch.isin(ids, torch.tensor(model.visual_ids, device=ids.device)).sum())


def _area(images: Sequence[Image]) -> int:
    return sum(image.width * image.height for image in images)


def _left(centers: Tensor, prompt: Prompt, read: Prefilled) -> list[dict[str, float]]:
    """Say where in their pictures the visual tokens lie that are left; those without patches lie nowhere.

    Shapes: centers (visual, 3), the picture's index, then x and y as shares of its width and height.
    """
    index = torch.searchsorted(prompt.places[prompt.is_visual], read.visual_places)
    rows = [row for row in centers[index].tolist() if not isnan(row[1])]
    return [{"image": int(image), "x": round(x, 3), "y": round(y, 3)} for image, x, y in rows]


def _share(read: Prefilled, prompt: Prompt) -> float:
    return int(read.is_visual[-1].sum()) / prompt.n_visual if prompt.n_visual else 1.0


def evict_for(recipe: Recipe, read: Prefilled, sample_id: str) -> Kept:
    """Make the recipe's own cache."""
    part = recipe.part("cache")
    return evict(read, method_of(part, CacheMethod) if part else None, lots(part, sample_id))


def read_prompt(
    model: LoadedModel, prompt: Prompt, token_part: Part | None, sample_id: str, recipes: Sequence[Recipe]
) -> Prefilled:
    """Reduce the prompt and run the decoder over it, keeping the union of the signals that the recipes need."""
    method = token_part.built if token_part else None
    entrance = method if isinstance(method, EntranceMethod) else None
    entering = reduce_at_entrance(prompt, entrance, lots(token_part, sample_id))
    cache_methods = [part.built for recipe in recipes if (part := recipe.part("cache"))]
    wanted = reduce(or_, (m.wants(entering.is_visual) for m in cache_methods), Wanted())
    inside = method if isinstance(method, LayerMethod) else None
    copies = 2 if any(recipe.is_rebatched for recipe in recipes) else 1
    return prefill(model, entering, wanted=wanted, method=inside, lots=lots(token_part, sample_id), copies=copies)


def lots(part: Part | None, sample_id: str) -> torch.Generator:
    """Make the generator of one part on one sample: its seed and the sample decide, nothing else."""
    seed = part.built.seed if part and "seed" in dir(part.built) else 0
    digest = hashlib.sha256(f"{sample_id}|{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def method_of(part: Part, kind: type[M]) -> M:
    """Return a part's method, checked for its kind."""
    assert isinstance(part.built, kind)
    return part.built


def _grouped(recipes: Sequence[Recipe], acts_on: str) -> Iterator[tuple[Part | None, list[Recipe]]]:
    def text(recipe: Recipe) -> str:
        part = recipe.part(acts_on)
        return part.text if part else ""

    for _, alike in groupby(sorted(recipes, key=text), key=text):
        group = list(alike)
        yield group[0].part(acts_on), group


def encoder_signals(recipes: Sequence[Recipe]) -> set[EncoderSignal]:
    """Collect what the recipes' token methods want of the vision tower."""
    parts = [part for recipe in recipes if (part := recipe.part("tokens"))]
    return {part.built.encoder for part in parts if part.built.encoder}
