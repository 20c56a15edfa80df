"""Conversations stay whole: no batch cuts one, and a cell that lacks a turn is asked all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from leanvlm.engine.conversations import blocks, conversations, together
from leanvlm.errors import InputError
from leanvlm.pipeline import batches
from leanvlm.pipeline.cells import Cell
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from leanvlm.tables import answers


def turns(*lengths: int) -> list[Sample]:
    return [
        Sample(sample_id=f"{place}-{turn}", question="what?", turn=turn)
        for place, length in enumerate(lengths)
        for turn in range(1, length + 1)
    ]


def names(samples: Sequence[Sample]) -> list[str]:
    return [sample.sample_id for sample in samples]


def test_samples_are_cut_where_a_first_turn_comes() -> None:
    assert [len(one) for one in conversations(turns(1, 3, 1, 2))] == [1, 3, 1, 2]
    assert [len(first.later) for first in together(turns(1, 3, 1, 2))] == [0, 2, 0, 1]


def test_a_turn_without_the_one_before_is_refused() -> None:
    first, second, third = turns(3)
    for asked, stray in (([second, third], "0-2"), ([first, third], "0-3")):
        with pytest.raises(InputError, match=rf"sample '{stray}' is turn"):
            list(conversations(asked))


@pytest.mark.parametrize("size", range(1, 9))
def test_a_block_cuts_no_conversation_and_is_as_full_as_it_can_be(size: int) -> None:
    asked = turns(1, 3, 1, 1, 4, 2, 1)
    found = list(blocks(asked, size=size))
    assert [sample for block in found for sample in block] == asked
    for block, after in zip(found, [*found[1:], []], strict=True):
        assert block[0].turn == 1
        assert len(block) <= size or len(list(conversations(block))) == 1
        if after:
            assert len(block) + len(next(conversations(after))) > size


def test_single_questions_are_cut_as_ever() -> None:
    asked = turns(*[1] * 10)
    assert list(blocks(asked, size=4)) == [asked[:4], asked[4:8], asked[8:]]


def test_a_cell_that_lacks_a_turn_is_asked_the_whole_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = turns(1, 3, 2)
    had: dict[str, list[str]] = {"controls/full": names(asked[:3]), "cache/snapkv@10%": names(asked[:4])}
    cells = [Cell("m", parse(text), "b", ()) for text in had]

    def rows(cell: Cell) -> Any:
        return answers.TABLE.empty().from_pydict({"sample_id": had[cell.recipe.text]})

    monkeypatch.setattr(batches, "_rows", rows)
    found = [
        (batch.first, names(batch.samples), [cell.recipe.text for cell in batch.cells])
        for batch in batches.lacking(cells, asked, size=4)
    ]
    assert found == [(1, names(asked[1:4]), ["controls/full"]), (4, names(asked[4:]), list(had))]
    assert not cells[0].storage.entries(cells[0].batches)
