"""The ten-token fixture of the fact sheet: attention that is known in closed form."""

from __future__ import annotations

import torch
from PIL.Image import Image
from torch import Tensor

from leanvlm import plugins
from leanvlm.engine.attention.recorders import column_sums
from leanvlm.engine.attention.recording import AttentionCall
from leanvlm.methods._signals import Signals
from leanvlm.methods._tokens import VideoMethod, VisualTokens
from leanvlm.sample import Sample

WEIGHTS = (
    lambda i, j: 1 + (3 * i + 5 * j) % 7,
    lambda i, j: 1 + (2 * i + 3 * j) % 5,
    lambda i, j: 1 + (i + 4 * j) % 9,
    lambda i, j: 1 + (5 * i + 2 * j) % 11,
)


def heads(*, tokens: int = 10, boosts: tuple[int, ...] = (5, 5, 7, 7)) -> Tensor:
    """Return unnormalised attention weights, (4, tokens, tokens); column boosts[h] of head h counts sixty times."""
    table = torch.tensor(
        [[[float(w(i, j)) for j in range(tokens)] for i in range(tokens)] for w in WEIGHTS], dtype=torch.float64
    )
    for head, column in enumerate(boosts):
        table[head, :, column] *= 60
    return table


def recorded(weights: Tensor | None = None) -> AttentionCall:
    """Realise weights with keys sqrt(d) x identity and queries ln w, two key heads of two query heads each."""
    table = heads() if weights is None else weights
    d = table.shape[-1]
    keys = (d**0.5 * torch.eye(d)).expand(1, 2, d, d)
    return AttentionCall(table.log().float()[None], keys, d**-0.5, None, None)


def signals(
    weights: Tensor | None = None, *, layer: int = 0, n_layers: int = 4, visual: tuple[int, ...] = ()
) -> Signals:
    """Let a layer know all that can be known of the fixture."""
    call = recorded(weights)
    is_visual = torch.zeros(call.key.shape[2], dtype=torch.bool)
    is_visual[list(visual)] = True
    return Signals(call.key, call.query, column_sums(call), is_visual, call.scaling, layer, n_layers, torch.Generator())


def tokens_of(
    features: Tensor,
    attention: Tensor | None = None,
    keys: Tensor | None = None,
    *,
    text: Tensor | None = None,
    n_frames: int = 1,
) -> VisualTokens:
    """Let a method know the tokens of one picture or video; those with an attention of -inf end rows."""
    is_patch = torch.ones(len(features), dtype=torch.bool) if attention is None else attention.isfinite()
    return VisualTokens(
        features=features,
        is_patch=is_patch,
        text=features[:0] if text is None else text,
        generator=torch.Generator(),
        attention=attention,
        keys=keys,
        n_frames=n_frames,
    )


def sample_for(method: str, images: list[Image], question: str) -> Sample:
    """Ask about pictures, or about a video of the first one, which turns, where a method is for videos."""
    if not issubclass(plugins.load("methods", method), VideoMethod):
        return Sample(sample_id="s", question=question, images=tuple(images))
    turned = tuple(images[0].rotate(30 * step) for step in range(12))
    return Sample(sample_id="s", question=question, images=turned, fps=1.0)
