"""Positions of a reduced prompt: every token keeps the one that it has in the whole prompt, as in leanvlm's engine.

vLLM counts the tokens that are there, except of models with M-RoPE, whose positions are three rows that the model
gives. Where a model counts in one row, positions are of that kind here too, and the rotary embedding is told to read
the first row alone. The second says of a visual token where its picture begins: what stays is known only when the tower
has seen the picture, and may then be asked again; until then a picture's tokens all stand at its beginning. The third
says how much longer the whole prompt is.

Where a token lies in its picture travels behind its features, in digits: 16-bit floats hold no larger whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

BASE, DIGITS = 128, 3  # places up to two million


def section(head_width: int) -> list[int]:
    """Say how many pairs of a head's rotary embedding each of the three rows turns: the first turns all."""
    return [head_width // 2, 0, 0]


def lay_out(n_tokens: int, pictures: Iterable[tuple[int, int, int]]) -> Tensor:
    """Lay a reduced prompt out before its pictures are seen.

    Takes: pictures, of each where its tokens begin, how many there are, and how many there were.

    Shapes: -> (3, T).
    """
    positions = torch.arange(n_tokens).expand(3, -1).clone()
    positions[2] = 0
    for start, n_kept, n in pictures:
        positions[:2, start + n_kept :] += n - n_kept
        positions[:2, start : start + n_kept] = positions[0, start].item()
        positions[2] += n - n_kept
    return positions


def place(positions: Tensor, is_visual: Tensor, index: Tensor, *, first: int) -> Tensor:
    """Put visual tokens, from the token `first` on, at their places.

    Shapes: positions (3, T); is_visual (T,); index (n,), of the next n visual tokens in their whole pictures -> (3, T).
    """
    at = upcoming(is_visual, len(index), first=first)
    placed = positions.clone()
    placed[0, at] = positions[1, at] + index.to(positions)
    return placed


def upcoming(is_visual: Tensor, n: int, *, first: int) -> Tensor:
    """Find the next `n` visual tokens, from the token `first` on.

    Shapes: (T,) -> (n,).
    """
    visual = is_visual.nonzero()[:, 0]
    return visual[visual >= first][:n]


def with_places(features: Tensor, places: Tensor) -> Tensor:
    """Write where each token lies behind its features.

    Shapes: (n, C), (n, K) -> (n, C + K x DIGITS).
    """
    digits = torch.stack([places // BASE**power % BASE for power in range(DIGITS)], dim=-1)
    return torch.cat([features, digits.flatten(1).to(features)], dim=-1)


def without_places(rows: Tensor, n_axes: int) -> tuple[Tensor, Tensor]:
    """Read again where each token lies.

    Shapes: (n, C + K x DIGITS) -> (n, C), (n, K).
    """
    width = n_axes * DIGITS
    digits = rows[:, -width:].long().unflatten(1, (n_axes, DIGITS))  # type: ignore[no-untyped-call]
    powers = torch.tensor([BASE**power for power in range(DIGITS)], device=rows.device)
    return rows[:, :-width], (digits * powers).sum(-1)
