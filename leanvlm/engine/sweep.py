"""Answer one sample with many recipes, sharing what is equal: one vision pass a picture, one prefill a token method.

All cache recipes of a sample select from ONE full cache and decode their own copies, side by side. A recipe's answer is
the same whether it runs alone or in a sweep: tests/engine/test_sweep.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from operator import or_
from typing import TypeVar

import torch
from PIL.Image import Image
from torch import Tensor

from leanvlm.engine.decode import Start, decode
from leanvlm.engine.evict import Held, Kept, evict
from leanvlm.engine.prefill import Prefilled, prefill
from leanvlm.engine.vision import Prompt, reduce_at_entrance, see
from leanvlm.errors import InputError
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._image import ImageMethod
from leanvlm.methods._signals import Wanted
from leanvlm.methods._tokens import EncoderSignal, EntranceMethod, LayerMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipe import Part, Recipe

M = TypeVar("M")


@dataclass(frozen=True)
class Answer:
    """What one recipe said, and what it really kept: see leanvlm/tables/answers.py for units."""

    answer: str
    new_tokens: int
    finish_reason: str
    prompt_tokens: int
    visual_tokens: int
    visual_tokens_kept: float
    cache_bytes: int
    full_cache_bytes: int
    cache_kept: float
    achieved: dict[str, float]  # per kind that a part acts on, its achieved budget


def answer(
    model: LoadedModel,
    images: Sequence[Image],
    question: str,
    sample_id: str,
    recipes: Sequence[Recipe],
    *,
    limit: int,
    stops: frozenset[int] | None = None,
    fps: float | None = None,
) -> Iterator[tuple[Recipe, Answer]]:
    """Yield every recipe's answer; recipes must share their weights, which `model` holds.

    Takes: stops, the tokens that end an answer, the model's own by default; fps, how many images there are a second
    where they are the frames of one video.
    """
    whole = model.inputs_for(images, question, fps)
    n, room = whole["input_ids"].shape[1], model.context_limit
    if room is not None and n + limit > room:
        raise InputError(f"a prompt of {n} tokens and an answer of {limit} do not fit into this model's window of "
                         f"{room}; ask about fewer pictures or lower answer.max_new_tokens")  # fmt: skip
    drawn: list[Started] = []

    def starts() -> Iterator[Start]:
        for started, start in _starts(model, images, question, sample_id, recipes, whole, fps):
            drawn.append(started)
            yield start

    ends = model.stop_ids if stops is None else stops
    tokens = decode(model, starts(), stops=ends, limit=limit)
    for started, answered in zip(drawn, tokens, strict=True):
        reason = "stop" if answered[-1] in ends else "length"
        yield started.recipe, _answer(model, answered, whole["input_ids"], started, reason)


@dataclass(frozen=True)
class Started:
    """What is known of a recipe's answer before its first token."""

    recipe: Recipe
    held: Held
    visual_tokens_kept: float
    position_bytes: int  # of one prompt position over all layers
    achieved: dict[str, float]


def _starts(
    model: LoadedModel,
    images: Sequence[Image],
    question: str,
    sample_id: str,
    recipes: Sequence[Recipe],
    whole: dict[str, Tensor],
    fps: float | None,
) -> Iterator[tuple[Started, Start]]:
    """Do for every recipe what comes before its first token, the vision pass and the prefill once for all alike."""
    for image_part, alike in _grouped(recipes, "image"):
        shown = method_of(image_part, ImageMethod).transform(images) if image_part else images
        inputs = model.inputs_for(shown, question, fps) if image_part else whole
        prompt = see(model, inputs, wanted=encoder_signals(alike))
        area = _area(shown) / _area(images) if images else 1.0
        for token_part, swept in _grouped(alike, "tokens"):
            read = read_prompt(model, prompt, token_part, sample_id, swept)
            for recipe in swept:
                kept = evict_for(recipe, read, sample_id)
                achieved = {"image": area, "tokens": _share(read, prompt), "cache": kept.held.share}
                n_visual = sum(int(layer.sum()) for layer in read.is_visual) / len(read.is_visual)
                per_position = sum(states[:, :, :1].nbytes for states in (*read.keys, *read.values))
                started = Started(recipe, kept.held, n_visual, per_position, achieved)
                yield started, Start(kept.cache, read.logits, read.next_position)


def _area(images: Sequence[Image]) -> int:
    return sum(image.width * image.height for image in images)


def _answer(model: LoadedModel, tokens: list[int], ids: Tensor, started: Started, reason: str) -> Answer:
    is_visual = torch.isin(ids, torch.tensor(model.visual_ids, device=ids.device))
    return Answer(
        answer=model.tokenizer.decode(tokens, skip_special_tokens=True).strip(),
        new_tokens=len(tokens),
        finish_reason=reason,
        prompt_tokens=ids.shape[1],
        visual_tokens=int(is_visual.sum()),
        visual_tokens_kept=started.visual_tokens_kept,
        cache_bytes=started.held.cache_bytes,
        full_cache_bytes=started.position_bytes * ids.shape[1],
        cache_kept=started.held.share,
        achieved=started.achieved,
    )


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
    return prefill(model, entering, wanted=wanted, method=inside, lots=lots(token_part, sample_id))


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
