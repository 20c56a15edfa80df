"""Greedy decoding over whatever cache a method left, at the true positions."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from transformers import DynamicCache

from leanvlm.models._model import LoadedModel


@torch.inference_mode()
def decode(
    model: LoadedModel,
    cache: DynamicCache,
    logits: Tensor,
    position: Tensor,
    *,
    stops: frozenset[int],
    limit: int,
) -> list[int]:
    """Return the answer's tokens, its end token included if it came within `limit`.

    Shapes: logits (vocabulary,) of the first token; position (..., 1, 1) of the first token.
    """
    tokens: list[int] = []
    for token in steps(model, cache, logits, position):
        tokens.append(token)
        if token in stops or len(tokens) == limit:
            break
    return tokens


def steps(model: LoadedModel, cache: DynamicCache, logits: Tensor, position: Tensor) -> Iterator[int]:
    """Yield one token after another, for ever."""
    while True:
        token = logits.argmax(-1, keepdim=True)
        yield int(token)
        states = model.text(
            inputs_embeds=model.model.get_input_embeddings()(token[None]),
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        logits, position = model.head(states[0, -1]), position + 1
