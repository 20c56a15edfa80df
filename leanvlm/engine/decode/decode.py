"""Greedy decoding over whatever caches the methods left, several answers side by side, at their true positions.

The model's device says how: on a CPU row by row (rows.py), so that no bit of an answer depends on its company;
on CUDA jointly (joint.py), since there each operation costs its launch, however small it is. How many rows are
filled is a matter of memory: no cache is made while there is no room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Protocol

import torch

from leanvlm.engine.decode.joint import JointRows
from leanvlm.engine.decode.rows import SingleRows
from leanvlm.engine.decode.steps import Chosen, DecodeStart, as_chosen, chosen
from leanvlm.engine.decode.talk import Talk
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

    def put(self, slot: int, token: int) -> None:
        """Let another token than the chosen one come next."""
        ...

    def leave(self, slot: int) -> None:
        """Free a slot."""
        ...

    def step(self) -> dict[int, Chosen]:
        """Add one token to every answer; return what was chosen by slot."""
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
) -> list[list[Chosen]]:
    """Return the answers' tokens with their log-probabilities, in order, the end token too if it came within the limit.

    Answers to a start's later turns stand behind its first. Starts are taken when one of the `rows` is free and there
    is room for another cache.

    Takes: limit, the most tokens of an answer whose start has no limit of its own; way, how to decode, else as the
    device says.
    """
    side_by_side = (way or WAYS[model.model.device.type])(model, rows)
    answers: list[list[list[Chosen]]] = []  # of each start, those to its turns
    waiting, filled = iter(starts), dict[int, Talk]()
    while True:
        while len(filled) < side_by_side.n_slots and side_by_side.has_room() and (start := next(waiting, None)):
            if not side_by_side.fits(start):
                waiting = chain([start], waiting)
                break
            talk = Talk.begin(model, start, stops, limit)
            answers.append(talk.answers)
            [first] = as_chosen(chosen(start.logits[None]))
            if (token := talk.next(first)) is not None:
                filled[side_by_side.take(start, token)] = talk
        if not filled:
            return list(chain.from_iterable(answers))
        _step(side_by_side, filled)


def _step(side_by_side: Rows, filled: dict[int, Talk]) -> None:
    """Go one token on in every slot, and free those in which all is said."""
    for slot, said in side_by_side.step().items():
        token = filled[slot].next(said)
        if token is None:
            side_by_side.leave(slot)
            del filled[slot]
        elif token != said.token:
            side_by_side.put(slot, token)
