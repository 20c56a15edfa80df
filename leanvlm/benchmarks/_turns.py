"""What the turns of a conversation must be, whoever yields them: in order, in one place, under one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from leanvlm.errors import InputError
from leanvlm.sample import Sample


def in_order(benchmark: str, samples: Iterable[Sample]) -> Iterator[Sample]:
    """Yield samples as they come.

    Raises: InputError naming the first that is no turn of a conversation: one that does not follow the turn before it,
    one that shows pictures of its own, one whose group is another conversation's too.
    """
    before: Sample | None = None
    n_firsts, talks = Counter[str](), set[str]()  # by group; a group with later turns is one conversation
    for sample in samples:
        place = f"{benchmark}: sample {str(sample.sample_id)[:60]!a}"
        if not isinstance(sample.turn, int) or isinstance(sample.turn, bool) or sample.turn < 1:
            raise InputError(f"{place}: its turn is {sample.turn!a}; the first question of a conversation is turn 1")
        if sample.later:
            raise InputError(f"{place}: it holds later turns; yield each of them as a sample, behind the one before")
        if sample.turn == 1:
            n_firsts[sample.group_id] += 1
        else:
            _refuse_stray(sample, before, place)
            talks.add(sample.group_id)
        if sample.group_id in talks and n_firsts[sample.group_id] > 1:
            raise InputError(f"{place}: its group {sample.group_id!a} has a conversation and another first question; "
                             "give each conversation a group_id of its own")  # fmt: skip
        yield sample
        before = sample


def _refuse_stray(sample: Sample, before: Sample | None, place: str) -> None:
    if before is None or (before.group_id, before.turn) != (sample.group_id, sample.turn - 1):
        raise InputError(f"{place}: it is turn {sample.turn}, and what comes before it is not turn {sample.turn - 1} "
                         "of its group_id; let the turns of a conversation follow each other")  # fmt: skip
    if sample.images or sample.fps is not None:
        raise InputError(f"{place}: it is turn {sample.turn} and has pictures of its own; show all of them with turn 1")
