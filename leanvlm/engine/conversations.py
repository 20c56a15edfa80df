"""Conversations: a first question and the later turns behind it, which are asked of one cache and so stay together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from leanvlm.errors import InputError
from leanvlm.sample import Sample

Conversation = tuple[Sample, ...]


def conversations(samples: Iterable[Sample]) -> Iterator[Conversation]:
    """Cut samples into conversations, in order; a single question is one of one turn.

    Raises: InputError naming the first sample that does not follow the turn before it.
    """
    turns: list[Sample] = []
    for sample in samples:
        if turns and sample.turn == 1:
            yield tuple(turns)
            turns = []
        if sample.turn != len(turns) + 1:
            raise InputError(f"sample {sample.sample_id!r} is turn {sample.turn} and comes after {len(turns)} of its "
                             "conversation; turns start at 1 and follow each other")  # fmt: skip
        turns.append(sample)
    if turns:
        yield tuple(turns)


def together(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Yield the first turns, each with its later ones.

    Raises: as `conversations`.
    """
    for first, *others in conversations(samples):
        yield replace(first, later=tuple(others)) if others else first


def blocks(samples: Iterable[Sample], *, size: int) -> Iterator[list[Sample]]:
    """Cut samples into blocks of at most `size`, or of one conversation where that is longer."""
    block: list[Sample] = []
    for conversation in conversations(samples):
        if block and len(block) + len(conversation) > size:
            yield block
            block = []
        block += conversation
    if block:
        yield block
