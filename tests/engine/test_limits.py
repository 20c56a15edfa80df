"""What a sample says of its answer: the most tokens, and texts that end it."""

from __future__ import annotations

from typing import Any

import pytest

from leanvlm.engine.sweep import answers_to
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny

RECIPE = "cache/snapkv@50%"
PROMPT = next(iter(tiny.PROMPTS))


@pytest.fixture
def model() -> Any:
    return tiny.build("qwen2_vl")


def answer(model: Any, **own: Any) -> Any:
    sample = Sample(sample_id="s", question=PROMPT, images=tuple(tiny.pictures(PROMPT)), **own)
    return answers_to(model, sample, [parse(RECIPE)], limit=6, stops=frozenset())[RECIPE]


def test_a_limit_of_its_own_goes_before_that_of_all(model: Any) -> None:
    whole = answer(model)
    assert (whole.new_tokens, answer(model, max_new_tokens=3).new_tokens) == (6, 3)
    assert answer(model, max_new_tokens=9).new_tokens == 9
    assert whole.answer.startswith(answer(model, max_new_tokens=3).answer)


def test_the_first_stop_text_ends_an_answer_and_is_no_part_of_it(model: Any) -> None:
    whole = answer(model)
    first, last = whole.answer[3:5], whole.answer[-1:]
    cut = answer(model, stop_texts=(last, first))
    assert cut.answer == whole.answer.split(first)[0].split(last)[0].strip()
    assert (cut.finish_reason, whole.finish_reason, cut.new_tokens) == ("stop", "length", 6)
    assert answer(model, stop_texts=("nowhere to be found",)) == whole
