"""Greedy decoding over whatever caches the methods left, several answers side by side, at their true positions.

The model's device says how: on a CPU row by row (decode_rows.py), so that no bit of an answer depends on its company;
on CUDA jointly (decode_joint.py), since there each operation costs its launch, however small it is. How many rows are
filled is a matter of memory: no cache is made while there is no room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Protocol

import torch

from leanvlm.engine.decode_joint import JointRows
from leanvlm.engine.decode_rows import SingleRows
from leanvlm.engine.steps import DecodeStart
from leanvlm.models._model import LoadedModel

ROWS = 8  # a linear layer on eight rows takes a CPU hardly longer than on one


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
    limit: int,
    rows: int = ROWS,
    way: Way | None = None,
) -> list[list[int]]:
    """Return the answers' tokens, in order, each with its end token if it came within `limit`.

    Starts are taken when one of the `rows` is free and there is room for another cache.

    Takes: way, how to decode, else as the device says.
    """
    side_by_side = (way or WAYS[model.model.device.type])(model, rows)
    answers: list[list[int]] = []
    waiting, filled = iter(starts), dict[int, list[int]]()
    while True:
        while len(filled) < side_by_side.n_slots and side_by_side.has_room() and (start := next(waiting, None)):
            if not side_by_side.fits(start):
                waiting = chain([start], waiting)
                break
            answer = [int(start.logits.argmax())]
            answers.append(answer)
            if _goes_on(answer, stops, limit):
                filled[side_by_side.take(start, answer[0])] = answer
        if not filled:
            return answers
        for slot, token in side_by_side.step().items():
            filled[slot].append(token)
            if not _goes_on(filled[slot], stops, limit):
                side_by_side.leave(slot)
                del filled[slot]


def _goes_on(answer: list[int], stops: frozenset[int], limit: int) -> bool:
    return answer[-1] not in stops and len(answer) < limit
