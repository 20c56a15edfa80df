"""No sample reaches a model that cannot be asked or graded: each fault is refused, naming benchmark and sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leanvlm import plugins
from leanvlm.benchmarks._soundness import sound
from leanvlm.errors import InputError
from leanvlm.sample import Sample
from tests.benchmarks import public_sets

FIT = Sample(sample_id="s-1", question="what is it?", answers=("a dog",), rule="exact", group_id="g", kind="name")
FAULTS: dict[str, dict[str, Any]] = {
    "no right answer": {"answers": ()},
    "an empty right answer": {"answers": ("a dog", "")},
    "a blank right answer": {"answers": (" \t",)},
    "a null right answer": {"answers": (None,)},
    "the text None": {"answers": ("None",)},
    "a list as text": {"answers": ("['a', 'dog']",)},
    "half a sign in the answer": {"answers": ("\ud800",)},
    "a rule that is not there": {"rule": "exakt"},
    "no rule": {"rule": ""},
    "fps NaN": {"fps": float("nan")},
    "fps infinite": {"fps": float("inf")},
    "fps 0": {"fps": 0.0},
    "half a sign in the question": {"question": "what \udcff?"},
    "a question that is no text": {"question": None},
    "a NUL in the group": {"group_id": "\0"},
    "a question without end": {"question": "x" * 1_000_000},
    "an empty id": {"sample_id": ""},
    "turn 0": {"turn": 0},
    "later turns within a sample": {"later": (FIT,)},
    "a turn that is no number": {"turn": "2"},
    "a third turn behind the first": {"turn": 3},
    "a second turn of another group": {"turn": 2, "group_id": "h"},
    "a second turn with pictures": {"turn": 2, "images": (b"x",)},
    "a second turn of a video": {"turn": 2, "fps": 1.0},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_naming_benchmark_and_sample(fault: str) -> None:
    with pytest.raises(InputError) as caught:
        list(sound("dogs", [replace(FIT, sample_id="s-0"), replace(FIT, **FAULTS[fault])]))
    assert str(caught.value).startswith("dogs: sample 's-1'" if fault != "an empty id" else "dogs: sample ''")
    assert len(str(caught.value)) <= 300


def test_a_conversation_has_a_group_of_its_own() -> None:
    turns = [replace(FIT, sample_id=str(turn), turn=turn) for turn in (1, 2, 3)]
    assert list(sound("dogs", turns)) == turns
    other = replace(FIT, sample_id="other")
    for mixed in ([*turns, other], [other, *turns]):
        with pytest.raises(InputError, match=r"its group 'g' has a conversation and another first question"):
            list(sound("dogs", mixed))


def test_an_id_twice_no_sample_and_placeholders_are_refused() -> None:
    with pytest.raises(InputError, match="comes twice"):
        list(sound("dogs", [FIT, FIT]))
    with pytest.raises(InputError, match="has no samples"):
        list(sound("dogs", []))
    with pytest.raises(InputError, match="dogs has no right answers"):
        list(sound("dogs", [replace(FIT, sample_id=str(index), answers=("dummy",)) for index in range(5)]))


@pytest.mark.parametrize("name", sorted({*plugins.ids("benchmarks")} - {one.__name__ for one in public_sets.ALL}))
def test_our_own_benchmarks_are_sound(name: str) -> None:
    assert len(list(sound(name, plugins.load("benchmarks", name)().samples(40, seed=0)))) == 40
