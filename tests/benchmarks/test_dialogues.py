"""dialogues asks one page several things, each of another line, in turn."""

from __future__ import annotations

import pytest

from leanvlm.benchmarks.dialogues import Benchmark
from leanvlm.errors import InputError


@pytest.mark.parametrize("turns", [1, 2, 4])
def test_a_page_is_shown_once_and_asked_of_in_turn(turns: int) -> None:
    asked = list(Benchmark(turns=turns, lines=(4, 5)).samples(3 * turns, seed=0))
    for first in range(0, len(asked), turns):
        talk = asked[first : first + turns]
        assert [sample.turn for sample in talk] == list(range(1, turns + 1))
        assert [sample.kind for sample in talk] == [f"turn {turn}" for turn in range(1, turns + 1)]
        assert [len(sample.images) for sample in talk] == [1, *[0] * (turns - 1)]
        assert len({sample.question for sample in talk}) == turns
        assert len({sample.group_id for sample in talk}) == 1
    assert len({sample.group_id for sample in asked}) == 3


def test_more_turns_than_lines_are_refused() -> None:
    with pytest.raises(InputError, match="asks 4 questions of pages with 3 lines"):
        list(Benchmark(turns=4).samples(1, seed=0))
