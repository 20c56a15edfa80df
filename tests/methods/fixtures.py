"""The ten-token fixture of the fact sheet: attention that is known in closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from leanvlm.methods._cache import Signals

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


def signals(*, n_queries: int = 10) -> Signals:
    """Realise the weights with keys sqrt(d) x identity and queries ln w, two key heads of two query heads each."""
    d = 10
    keys = (d**0.5 * torch.eye(d)).expand(1, 2, d, d)
    queries = heads().log().float()[None, :, -n_queries:]
    return Signals(keys, queries, torch.zeros(d, dtype=torch.bool), d**-0.5, 0, 4, torch.Generator())
