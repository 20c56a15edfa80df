"""What text costs a model, in nats a token: read whole, or read on over a cache of which a method kept a part.

A continuation is forced: its tokens are given, not the model's own, so that all methods are asked the same. It is read
in one pass: in each layer, a token sees all that the layer's cache holds and, of the continuation, those before it.
Over a cache that stores tokens in fewer bits as they leave a window, it is read token by token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from leanvlm.engine.attention.recording import plain_attention, recording
from leanvlm.engine.cache.kept_layer import KeptLayer, storage_of
from leanvlm.engine.evict import EvictedCache
from leanvlm.engine.passes import keep_cache, read_prompt
from leanvlm.engine.prefill.prefill import Prefilled
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe

NAME = "leanvlm_continued"


@torch.inference_mode()
def window_nats(model: LoadedModel, window: Tensor) -> float:
    """Return the mean loss of a window's tokens but the first.

    Shapes: window (1, T).
    """
    logits = model.model(input_ids=window[:, :-1], use_cache=False).logits
    return float(cross_entropy(logits[0].float(), window[0, 1:]))


@torch.inference_mode()
def continuation_nats(
    model: LoadedModel, window: Tensor, n_prompt: int, recipes: Sequence[Recipe], name: str
) -> list[float]:
    """Return per cache recipe the mean loss of what follows a window's prompt, but for its first token.

    The first is foretold by the prompt's own pass, which no cache method changes.

    Takes: name, which with a method's seed decides what it draws.

    Shapes: window (1, T).
    """
    prompt = run_vision(model, {"input_ids": window[:, :n_prompt]})
    prefilled = read_prompt(model, prompt, None, name, recipes)
    kept = (keep_cache(recipe, prefilled, name) for recipe in recipes)
    return [_forced(model, prefilled, cache, window[:, n_prompt:]) for cache in kept]


def _forced(model: LoadedModel, prefilled: Prefilled, evicted: EvictedCache, ids: Tensor) -> float:
    """Read a continuation at its true positions."""
    n = ids.shape[1] - 1
    embeds = model.model.get_input_embeddings()(ids[:, :-1])
    positions = prefilled.next_position + torch.arange(n, device=ids.device)
    at_once = n if storage_of(evicted.cache) is None else 1
    layers: list[Any] = evicted.cache.layers
    with recording({module: layers[index] for index, module in model.attention.items()}, NAME):
        states = [
            model.text(
                inputs_embeds=own, position_ids=where, past_key_values=evicted.cache, use_cache=True
            ).last_hidden_state
            for own, where in zip(torch.split(embeds, at_once, 1), torch.split(positions, at_once, -1), strict=True)
        ]
    return float(cross_entropy(model.head(torch.cat(states, 1)[0]).float(), ids[0, 1:]))


def _continued_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, _mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Attend as each layer's own cache asks: methods may keep more in one layer, or head, than in another."""
    n, held = query.shape[2], key.shape[2]
    seen = torch.ones(1, 1, n, held, dtype=torch.bool, device=query.device).tril(held - n)
    layer = module.__dict__["leanvlm_recorder"]
    by_head = layer.seen() if isinstance(layer, KeptLayer) else None
    if by_head is not None:
        seen = seen & by_head.repeat_interleave(query.shape[1] // key.shape[1], 1)
    return plain_attention(module, query, key, value, seen, **options)


AttentionInterface.register(NAME, _continued_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
