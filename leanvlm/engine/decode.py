"""Greedy decoding over whatever caches the methods left, several answers side by side, at their true positions.

The model's device says how: on a CPU row by row (decode_rows.py), so that no bit of an answer depends on its company;
on CUDA jointly (decode_joint.py), since there each operation costs its launch, however small it is. How many rows are
filled is a matter of memory: no cache is made while there is no room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import torch

from leanvlm.engine.decode_joint import JointRows
from leanvlm.engine.decode_rows import SingleRows
from leanvlm.engine.steps import DecodeStart
from leanvlm.models._model import LoadedModel

ROWS = 8  # a linear layer on eight rows takes a CPU hardly longer than on one
MOST_ROWS = {"cpu": ROWS, "cuda": 64}  # by the model's device; on CUDA free memory says how many of them are filled


class Rows(Protocol):
    """Answers that grow side by side, each in a slot of its own."""

    n_slots: int  # may be fewer than were asked for, once an answer has said what it takes

    def has_room(self) -> bool:
        """Tell whether another prompt may be read now; the first is always tried."""
        ...

    def fits(self, start: DecodeStart) -> bool:
        """Tell whether an answer can be held beside the others; if not, it waits until all have ended."""
        ...

    def take(self, start: DecodeStart, token: int) -> int:
        """Put an answer, of which `token` is the first, into a free slot and return the slot."""
        ...

    def leave(self, slot: int) -> None:
        """Free a slot."""
        ...

    def step(self) -> dict[int, int]:
        """Add one token to every answer; return the tokens by slot."""
        ...


Way = Callable[[LoadedModel, int], Rows]
WAYS: dict[str, Way] = {"cpu": SingleRows, "cuda": JointRows}  # by the model's device


@torch.inference_mode()
def decode(
    model: LoadedModel,
    starts: Iterable[DecodeStart],
    *,
    stops: frozenset[int],
    limit: int | None = None,
    rows: int = ROWS,
    way: Way | None = None,
) -> list[list[int]]:
    """Return the answers' tokens, in order, each with its end token if it came within the limit.

    Starts are taken when one of the `rows` is free and there is room for another cache.

    Takes: limit, the most tokens of an answer whose start has no limit of its own; way, how to decode, else as the
    device says.
    """
    side_by_side = (way or WAYS[model.model.device.type])(model, rows)
    answers: list[list[int]] = []
    waiting, filled = iter(starts), dict[int, _Growing]()
    while True:
        while len(filled) < side_by_side.n_slots and side_by_side.has_room() and (start := next(waiting, None)):
            if not side_by_side.fits(start):
                waiting = chain([start], waiting)
                break
            answer = _Growing([int(start.logits.argmax())], start.limit or limit)
            answers.append(answer.tokens)
            if answer.goes_on(stops):
                filled[side_by_side.take(start, answer.tokens[0])] = answer
        if not filled:
            return answers
        for slot, token in side_by_side.step().items():
            filled[slot].tokens.append(token)
            if not filled[slot].goes_on(stops):
                side_by_side.leave(slot)
                del filled[slot]


@dataclass(frozen=True)
class _Growing:
    """An answer that is being decoded, and the most tokens that it may have."""

    tokens: list[int]
    limit: int | None

    def goes_on(self, stops: frozenset[int]) -> bool:
        assert self.limit is not None, "a limit for each answer, or one for all"
        return self.tokens[-1] not in stops and len(self.tokens) < self.limit
