"""The folder is the registry, and what it lists can be read by a person."""

from __future__ import annotations

import random

import pytest

from leanvlm import plugins
from leanvlm.benchmarks._benchmark import DrawnBenchmark
from leanvlm.errors import InputError


@pytest.mark.parametrize("kind", ["methods", "models", "benchmarks"])
def test_every_plugin_names_its_source(kind: str) -> None:
    for name in plugins.ids(kind):
        assert plugins.source(kind, name), f"{kind}/{name} has no `Source:`"
        assert plugins.load(kind, name)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no method 'cache/snap'.*cache/snapkv"):
        plugins.load("methods", "cache/snap")


@pytest.mark.parametrize("name", plugins.ids("benchmarks"))
def test_samples_repeat_and_a_longer_run_begins_with_the_shorter(name: str) -> None:
    benchmark = plugins.load("benchmarks", name)()
    few, more = list(benchmark.samples(5, seed=0)), list(benchmark.samples(8, seed=0))
    assert [(s.sample_id, s.question, s.answers) for s in few] == [
        (s.sample_id, s.question, s.answers) for s in more[:5]
    ]
    assert all(
        a.tobytes() == b.tobytes()
        for s, t in zip(few, more, strict=False)
        for a, b in zip(s.images, t.images, strict=True)
    )
    assert len({s.sample_id for s in more}) == 8


@pytest.mark.parametrize("name", plugins.ids("benchmarks"))
def test_each_kind_can_be_asked(name: str) -> None:
    benchmark = plugins.load("benchmarks", name)()
    if isinstance(benchmark, DrawnBenchmark):
        asked = {q.kind for seed in range(40) for q in benchmark.draw(random.Random(seed)).questions}
        assert asked == set(benchmark.kinds)
