"""Phases of a run: what lies in which, and what a batch changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from leanvlm.clock import run as clock_run
from leanvlm.clock import stopwatch
from leanvlm.clock.conditions import along_axes, singles
from leanvlm.clock.pairs import pair, pairs
from leanvlm.clock.run import Seconds, run, to_seconds
from leanvlm.clock.stopwatch import Stopwatch
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

Prompts = list[tuple[list[Image.Image], str]]
NOTHING = Seconds(0, 0, 0, 0, 0, 0)
FUNCTIONS = {  # of a run, and the phases that its time belongs to
    "show": {"preprocess", "total"},
    "run_vision": {"vision", "prefill", "total"},
    "enter": {"selection", "prefill", "total"},
    "read_entered": {"prefill", "total"},
    "keep_cache": {"selection", "prefill", "total"},
    "steps": {"decode", "total"},
}


class Hands:
    """The hands of a clock that stands still unless a function is called that moves them by a second."""

    now = 0.0

    def moved_by(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            self.now += 1
            return original(*arguments, **options)

        return called


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=lambda: made.now))
    return made


def sample(prompts: Prompts) -> Sample:
    pictures, question = prompts[0]
    return Sample(sample_id="s", question=question, images=tuple(pictures))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_function_takes_is_found_in_its_phase_and_in_no_other(
    model: LoadedModel, prompts: Prompts, monkeypatch: pytest.MonkeyPatch, hands: Hands, function: str
) -> None:
    monkeypatch.setattr(clock_run, function, hands.moved_by(getattr(clock_run, function)))
    recipe = parse("tokens/visionzip@40%+cache/snapkv@40%")
    found = vars(run(model, [sample(prompts)], recipe, new_tokens=2))
    assert {phase for phase, seconds in found.items() if seconds} == FUNCTIONS[function]
    assert set(found.values()) == {0, 1}


def test_a_batch_takes_every_prompt_through_every_phase(
    model: LoadedModel, prompts: Prompts, monkeypatch: pytest.MonkeyPatch, hands: Hands
) -> None:
    for function in FUNCTIONS.keys() - {"steps"}:
        monkeypatch.setattr(clock_run, function, hands.moved_by(getattr(clock_run, function)))
    found = run(model, [sample(prompts)] * 3, parse("controls/full"), new_tokens=3)
    assert found == Seconds(preprocess=3, vision=3, selection=6, prefill=12, decode=0, total=15)


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


def test_conditions_change_one_thing_at_a_time(prompts: Prompts) -> None:
    samples = [sample(prompts), Sample(sample_id="t", question="why?", images=(Image.new("RGB", (9, 9)),))]
    base = singles(samples, 16)
    assert [(one.axis, len(one.samples), one.new_tokens) for one in base] == [("none", 1, 16)] * 2
    batch, length, many, small = along_axes(samples, 16, batch_sizes=[3], lengths=[64], pictures=[5], sides=[24])
    assert [one.sample_id for one in batch.samples] == ["s", "t", "s"]
    assert (length.samples, length.new_tokens) == ((samples[0],), 64)
    assert [len(one.images) for one in many.samples] == [5]
    assert many.samples[0].question == samples[0].question
    before, after = (one.samples[0].pictures()[0].size for one in (base[0], small))
    assert small.axis == "resolution"
    assert max(after) == 24
    assert after[0] * before[1] == pytest.approx(after[1] * before[0], rel=0.1)
