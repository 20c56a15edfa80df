"""Phases of a run: what lies in which, and what a batch changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image

from leanvlm.clock import run as clock_run
from leanvlm.clock.conditions import along_axes, singles
from leanvlm.clock.pairs import pair, pairs
from leanvlm.clock.run import Seconds, run, to_seconds
from leanvlm.clock.stopwatch import Stopwatch
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

SLEEP = 0.25
NOTHING = Seconds(0, 0, 0, 0, 0, 0)


def sample(prompts: list[tuple[list[Image.Image], str]]) -> Sample:
    pictures, question = prompts[0]
    return Sample(sample_id="s", question=question, images=tuple(pictures))


def delayed(original: Callable[..., Any]) -> Callable[..., Any]:
    def late(*arguments: Any, **options: Any) -> Any:
        time.sleep(SLEEP)
        return original(*arguments, **options)

    return late


@pytest.mark.parametrize(
    ("function", "phases"),
    [
        ("show", {"preprocess", "total"}),
        ("run_vision", {"vision", "prefill", "total"}),
        ("enter", {"selection", "prefill", "total"}),
        ("read_entered", {"prefill", "total"}),
        ("keep_cache", {"selection", "prefill", "total"}),
        ("steps", {"decode", "total"}),
    ],
)
def test_a_delay_is_found_in_its_phase_and_in_no_other(
    model: LoadedModel, prompts: Any, monkeypatch: pytest.MonkeyPatch, function: str, phases: set[str]
) -> None:
    recipe, asked = parse("tokens/visionzip@40%+cache/snapkv@40%"), [sample(prompts)]
    run(model, asked, recipe, new_tokens=2)
    plain = run(model, asked, recipe, new_tokens=2)
    monkeypatch.setattr(clock_run, function, delayed(getattr(clock_run, function)))
    late = run(model, asked, recipe, new_tokens=2)
    found = {name for name in vars(late) if getattr(late, name) - getattr(plain, name) > SLEEP / 2}
    assert found == phases


def test_phases_add_up_and_a_step_is_one_of_the_tokens_after_the_first() -> None:
    told = to_seconds({"preprocess": 1, "vision": 2, "selection": 3, "read": 4, "decode": 10}, new_tokens=6)
    assert told == Seconds(preprocess=1, vision=2, selection=3, prefill=9, decode=2, total=20)


def test_phases_of_one_name_add_up() -> None:
    watch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        with watch.phase("a"):
            time.sleep(0.02)
    assert watch.seconds().keys() == {"a"}
    assert watch.seconds()["a"] >= 0.04


def test_who_goes_first_alternates() -> None:
    said: list[str] = []

    def speaking(name: str) -> Callable[[], Seconds]:
        return lambda: said.append(name) or NOTHING  # type: ignore[func-returns-value]

    pair(speaking("full"), speaking("mine"), repeat=0)
    pair(speaking("full"), speaking("mine"), repeat=1)
    assert said == ["mine", "full", "full", "mine"]
    said.clear()
    assert len(list(pairs(speaking("full"), speaking("mine"), repeats=3))) == 3
    assert said.count("mine") == 4  # the first warms up


def test_a_batch_of_two_takes_every_prompt_through_every_phase(model: LoadedModel, prompts: Any) -> None:
    run(model, [sample(prompts)] * 2, parse("controls/full"), new_tokens=3)
    one, two = (run(model, [sample(prompts)] * n, parse("controls/full"), new_tokens=3) for n in (1, 4))
    assert two.vision > 2 * one.vision
    assert two.prefill > 2 * one.prefill


def test_conditions_change_one_thing_at_a_time(prompts: Any) -> None:
    samples = [sample(prompts), Sample(sample_id="t", question="why?", images=(Image.new("RGB", (9, 9)),))]
    base = singles(samples, 16)
    assert [(one.axis, len(one.samples), one.new_tokens) for one in base] == [("none", 1, 16)] * 2
    batch, length, many = along_axes(samples, 16, batch_sizes=[3], lengths=[64], pictures=[5])
    assert [one.sample_id for one in batch.samples] == ["s", "t", "s"]
    assert (length.samples, length.new_tokens) == ((samples[0],), 64)
    assert [len(one.images) for one in many.samples] == [5]
    assert many.samples[0].question == samples[0].question
