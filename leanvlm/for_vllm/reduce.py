"""Reduce one picture's visual tokens by the chosen method, and say what its draws follow from."""

from __future__ import annotations

import torch
from torch import Tensor

from leanvlm.engine.passes import rng_for
from leanvlm.for_vllm.chosen import Chosen
from leanvlm.for_vllm.positions import with_index
from leanvlm.methods._tokens import VisualTokens


def seed_of(chosen: Chosen, identifier: str) -> int:
    """Return what a method's draws on one picture follow from.

    Takes: identifier, of the picture in vLLM: its `uuid` in the request, else a hash of its content. Where it is a
    sample's id, the draws are those of leanvlm's engine on a sample of one picture.
    """
    return rng_for(chosen.part, identifier).initial_seed()


def reduced(chosen: Chosen, features: Tensor, attention: Tensor | None, keys: Tensor | None, seed: int) -> Tensor:
    """Choose and merge, and write each token's index behind its features.

    Shapes: features (N, C), attention (N,), keys (N, D) -> (n, C + DIGITS).
    """
    generator = torch.Generator().manual_seed(seed)
    tokens = VisualTokens(features=features, attention=attention, keys=keys, generator=generator)
    index, kept = chosen.method.reduce(tokens, chosen.n_kept(len(features)))
    return with_index(kept.to(features.dtype), index)
