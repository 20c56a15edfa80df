"""The folder is the registry, and what it lists can be read by a person."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from leanvlm import grading, plugins
from leanvlm.benchmarks._benchmark import DrawnBenchmark
from leanvlm.errors import InputError
from leanvlm.typed import build
from tests.benchmarks import public


@pytest.mark.parametrize("kind", ["methods", "models", "benchmarks"])
def test_every_plugin_says_what_it_does_and_names_its_source(kind: str) -> None:
    for name in plugins.ids(kind):
        assert plugins.title(kind, name), f"{kind}/{name} has no first line `TITLE: what it does.`"
        assert plugins.description(kind, name).endswith("."), f"{kind}/{name} has no first line `TITLE: what it does.`"
        assert plugins.source(kind, name), f"{kind}/{name} has no `Source:`"
        assert plugins.load(kind, name)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        InputError,
        match=r"no method 'cache/snap' \(perhaps cache/snapkv\); a method is a file under leanvlm/methods: cache/adakv",
    ):
        plugins.load("methods", "cache/snap")


@pytest.fixture(autouse=True)
def hub(public_hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the public benchmarks from made-up sets."""
    public.look_in(public_hub, monkeypatch)


def readable(name: str) -> Any:
    """Build a benchmark, or skip the test with the reason why it cannot be read here."""
    benchmark = plugins.load("benchmarks", name)()
    if reason := benchmark.missing():
        pytest.skip(f"{name} cannot be read here, since {reason}")
    return benchmark


@pytest.mark.parametrize("name", plugins.ids("benchmarks"))
def test_every_option_has_a_default_that_params_can_say(name: str) -> None:
    kind = plugins.load("benchmarks", name)
    defaults = json.loads(json.dumps(asdict(kind())))  # tuples as lists, as YAML has them
    assert build(kind, defaults, f"benchmarks.{name}") == kind()


@pytest.mark.parametrize("name", plugins.ids("benchmarks"))
def test_every_rule_that_a_benchmark_names_exists(name: str) -> None:
    assert {sample.rule for sample in readable(name).samples(8, seed=0)} <= {*grading.rules(), "judged"}


@pytest.mark.parametrize("name", plugins.ids("benchmarks"))
def test_samples_repeat_and_a_longer_run_begins_with_the_shorter(name: str) -> None:
    benchmark = readable(name)
    few, more = list(benchmark.samples(5, seed=0)), list(benchmark.samples(8, seed=0))
    assert [(s.sample_id, s.question, s.answers, s.encoded()) for s in few] == [
        (s.sample_id, s.question, s.answers, s.encoded()) for s in more[: len(few)]
    ]
    assert len({s.sample_id for s in more}) == len(more) > 0


@pytest.mark.parametrize("name", plugins.ids("benchmarks"))
def test_each_kind_can_be_asked(name: str) -> None:
    benchmark = plugins.load("benchmarks", name)()
    if isinstance(benchmark, DrawnBenchmark):
        asked = {q.kind for seed in range(40) for q in benchmark.draw(random.Random(seed)).questions}
        assert asked == set(benchmark.kinds)
