"""Conversations in a person's own file: each form reads alike, they stay together, and a wrong turn is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leanvlm import answer, files, load
from leanvlm.benchmarks._named import named
from leanvlm.benchmarks._soundness import sound
from leanvlm.engine.sweep import answer_all
from leanvlm.recipes import parse
from tests.benchmarks.test_local import BLUE, RED, csv, jsonl, parquet, read, refusal

ROOT = Path(__file__).parents[2]
FIRST = {"question": "what color?", "answers": "red", "images": "a.png", "group": "g", "turn": 1}
SECOND = {"question": "is it blue?", "answers": "no", "images": None, "group": "g", "turn": 2}
THIRD = SECOND | {"question": "and green?", "turn": 3}
OTHER = {"question": "what is it?", "answers": "a sign", "images": "below/b c.png", "group": None, "turn": None}


def told(name: str) -> list[tuple[str, str, int, tuple[Any, ...]]]:
    return [
        (one.question, one.group_id, one.turn, one.images) for one in sound(name, named(name, {}).samples(9, seed=0))
    ]


EXPECTED = [("what color?", "g", 1, (RED,)), ("is it blue?", "g", 2, ()), ("and green?", "g", 3, ())]


def test_turns_are_read_alike_from_each_form_and_put_in_order(tmp_path: Path) -> None:
    as_csv = "question,answers,images,group,turn\nand green?,no,,g,3\nwhat color?,red,a.png,g,\nis it blue?,no,,g,2\n"
    held = [row | {"images": RED if row["turn"] == 1 else None} for row in (THIRD, FIRST, SECOND)]
    for name in (jsonl(tmp_path, THIRD, FIRST, SECOND), csv(tmp_path, as_csv), parquet(tmp_path, *held)):
        assert told(name) == EXPECTED


def test_a_conversation_stays_together_in_any_order_and_is_cut_at_its_end_alone(tmp_path: Path) -> None:
    talks = [row | {"group": f"g{index}"} for row in (FIRST, SECOND, THIRD) for index in range(4)]
    name = jsonl(tmp_path, OTHER, *talks, OTHER)
    orders = set()
    for seed in range(5):
        found = list(sound(name, named(name, {}).samples(99, seed=seed)))
        assert len(found) == 14
        orders.add(tuple(one.group_id for one in found))
        again = list(sound(name, named(name, {}).samples(8, seed=seed)))
        assert [one.sample_id for one in again] == [one.sample_id for one in found[:8]]
    assert len(orders) > 1


def test_rows_of_a_group_without_later_turns_are_no_conversation(tmp_path: Path) -> None:
    one = {name: value for name, value in FIRST.items() if name != "turn"}
    assert [sample.turn for sample in read(jsonl(tmp_path, one, one))] == [1, 1]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([FIRST, THIRD], "row 2 is turn 3 of the group 'g', which has no turn 2"),
        ([SECOND], "row 1 is turn 2 of the group 'g', which has no turn 1"),
        ([FIRST, SECOND, SECOND], "row 3 is turn 2 of the group 'g', as row 2 is"),
        ([FIRST, FIRST, SECOND], "row 2 is turn 1 of the group 'g', as row 1 is"),
        ([FIRST, SECOND | {"group": None}], "row 2 is turn 2 and has no group"),
        ([FIRST, SECOND | {"images": "a.png"}], "row 2 is turn 2 and has pictures of its own"),
        ([FIRST, SECOND | {"turn": 0}], "row 2 has turn '0'; it must be a whole number from 1"),
        ([FIRST, SECOND | {"turn": "second"}], "row 2 has turn 'second'"),
        ([FIRST, SECOND | {"turn": 1.5}], "row 2 has turn '1.5'"),
        ([FIRST | {"images": None}, SECOND], "row 1 names no picture"),
    ],
)
def test_what_is_no_turn_is_refused_with_its_row(rows: list[dict[str, Any]], says: str, tmp_path: Path) -> None:
    assert says in refusal(jsonl(tmp_path, *rows))


def test_a_later_turn_that_holds_a_picture_is_refused(tmp_path: Path) -> None:
    name = parquet(tmp_path, FIRST | {"images": RED}, SECOND | {"images": BLUE})
    assert "row 2 is a later turn and has pictures of its own" in refusal(name)


def test_later_turns_are_asked_as_the_questions_of_one_conversation(tmp_path: Path) -> None:
    model, questions = load(ROOT / files.EMBEDDED), [question for question, *_ in EXPECTED]
    name = jsonl(tmp_path, THIRD, FIRST, SECOND)
    samples = list(sound(name, named(name, {}).samples(3, seed=0)))
    said = [found.answer for *_, found in answer_all(model, samples, [parse("controls/full")], limit=4)]
    expected = answer(model, [tmp_path / "a.png"], questions, max_new_tokens=4)
    assert said == [str(one) for one in expected]
