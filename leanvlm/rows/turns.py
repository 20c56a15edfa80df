"""Conversations in a file of questions: rows of one group with turns 1, 2, 3, ..., wherever in the file they stand."""

from __future__ import annotations

from collections.abc import Sequence

from leanvlm.rows.cells import refuse
from leanvlm.rows.questions import Question


def together(found: Sequence[Question], file: str) -> list[list[Question]]:
    """Put the turns of each conversation together, in order; a row that is no turn of any stands by itself.

    Raises: InputError naming the first row that is no turn: one without a group, one whose turn another row is, or one
    without the turn before it.
    """
    later = {one.sample.group_id for one in found if one.sample.turn > 1}
    talks: dict[str, list[Question]] = {}
    for one in found:
        _refuse_stray(one, f"{file} row {one.number}")
        is_turn = one.sample.group_id in later
        talks.setdefault(one.sample.group_id if is_turn else f"row {one.number}\n", []).append(one)
    for talk in talks.values():
        talk.sort(key=lambda one: one.sample.turn)
        for expected, one in enumerate(talk, start=1):
            _refuse_out_of_turn(one, expected, talk, f"{file} row {one.number}")
    return list(talks.values())


def _refuse_stray(one: Question, place: str) -> None:
    if one.sample.turn == 1:
        return
    if not one.sample.group_id:
        refuse(place, f"is turn {one.sample.turn} and has no group; give all turns of a conversation one group")
    if one.images:
        refuse(place, f"is turn {one.sample.turn} and has pictures of its own; show all of them with turn 1")


def _refuse_out_of_turn(one: Question, expected: int, talk: Sequence[Question], place: str) -> None:
    turn, group = one.sample.turn, one.sample.group_id
    if turn < expected:
        first = next(other.number for other in talk if other.sample.turn == turn)
        refuse(place, f"is turn {turn} of the group {group!r}, as row {first} is; number the turns of a conversation "
                      "1, 2, 3, and give each conversation a group of its own")  # fmt: skip
    if turn > expected:
        refuse(place, f"is turn {turn} of the group {group!r}, which has no turn {expected}; number the turns of a "
                      "conversation 1, 2, 3")  # fmt: skip
