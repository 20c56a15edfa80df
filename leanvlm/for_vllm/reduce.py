"""Reduce the visual tokens of pictures by the chosen method, and say what its draws follow from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from leanvlm.engine.passes import rng_for
from leanvlm.for_vllm.chosen import Chosen
from leanvlm.methods._tokens import VisualTokens

Signals = Sequence[Tensor | None]  # of each picture


def seed_of(chosen: Chosen, identifier: str) -> int:
    """Return what a method's draws on one picture follow from.

    Takes: identifier, of the picture in vLLM: its `uuid` in the request, else a hash of its content. Where it is a
    sample's id, the draws are those of leanvlm's engine on a sample of one picture.
    """
    return rng_for(chosen.part, identifier).initial_seed()


def reduced(
    chosen: Chosen,
    whole: Sequence[Tensor],
    seeds: Tensor,
    *,
    is_patch: Sequence[Tensor],
    attention: Signals = (),
    keys: Signals = (),
) -> list[tuple[Tensor, Tensor]]:
    """Choose and merge, picture by picture.

    Shapes: of each picture whole (N, C), is_patch (N,), attention (N,), keys (N, D); seeds (pictures,) -> features
    (n, C), index (n,).
    """
    nothing = [None] * len(whole)
    asked = zip(whole, is_patch, attention or nothing, keys or nothing, seeds.flatten().tolist(), strict=True)
    return [_reduced(chosen, *one) for one in asked]


def _reduced(
    chosen: Chosen, features: Tensor, is_patch: Tensor, attention: Tensor | None, keys: Tensor | None, seed: int
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = VisualTokens(
        features=features,
        is_patch=is_patch,
        text=features[:0],
        generator=generator,
        attention=attention,
        keys=keys,
    )
    index, kept = chosen.method.reduce(tokens, chosen.n_kept(len(features)))
    return kept.to(features.dtype), index
