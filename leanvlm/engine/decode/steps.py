"""Decode one answer alone, token by token: where it begins, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import Cache

from leanvlm.engine.cache.kept_layer import seeing
from leanvlm.models._model import LoadedModel
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Turn:
    """A later turn of a conversation: the tokens that are read before its answer, and what ends that."""

    sample: Sample
    ids: tuple[int, ...]
    limit: int  # most tokens of the answer


@dataclass(frozen=True)
class DecodeStart:
    """Where an answer begins. Shapes: logits (vocabulary,) and position (..., 1, 1) of its first token.

    `limit` is the most tokens that it may have, where it has a limit of its own. Where `later` turns follow, one of
    `stop_texts` ends the answer as soon as it is there: nothing behind it may be read.
    """

    cache: Cache
    logits: Tensor
    position: Tensor
    limit: int | None = None
    stop_texts: tuple[str, ...] = ()
    later: tuple[Turn, ...] = ()


class Chosen(NamedTuple):
    """A token that the model chose, and the logarithm of the probability that it gave it [nats]."""

    token: int
    log_probability: float


def chosen(logits: Tensor) -> Tensor:
    """Choose the likeliest token of each row, beside its log-probability [nats], both in float32.

    A model's own type has too few digits for probabilities near 1; float32 holds token ids exactly below 2^24, so that
    both leave the device in one tensor.

    Shapes: (..., vocabulary) -> (..., 2).
    """
    tokens = logits.argmax(-1, keepdim=True)
    said = logits.float().log_softmax(-1).gather(-1, tokens)
    return torch.cat([tokens.to(said.dtype), said], -1)


def as_chosen(pairs: Tensor) -> list[Chosen]:
    """Read what `chosen` put together. Shapes: (rows, 2)."""
    return [Chosen(int(token), said) for token, said in pairs.tolist()]


def likeliest(logits: Tensor) -> Tensor:
    """Choose the likeliest token. Shapes: (vocabulary,) -> (1,)."""
    return logits.argmax(-1, keepdim=True)


@torch.inference_mode()
def steps(model: LoadedModel, start: DecodeStart, choose: Callable[[Tensor], Tensor] = likeliest) -> Iterator[int]:
    """Yield one token after another, for ever, of one answer alone; `choose` makes a token of logits."""
    logits, position = start.logits, start.position
    while True:
        token = choose(logits)
        yield int(token)
        with seeing(model, start.cache):
            states = model.text(
                inputs_embeds=model.model.get_input_embeddings()(token[None]),
                position_ids=position,
                past_key_values=start.cache,
                use_cache=True,
            ).last_hidden_state
        logits, position = model.head(states[0, -1]), position + 1
