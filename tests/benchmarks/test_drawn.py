"""What drawn benchmarks know of a sample is what its picture shows, and what they say is absent is not there."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from leanvlm import plugins
from leanvlm.benchmarks import charts, existence, pages, rotations, scenes, unanswerable
from leanvlm.benchmarks._benchmark import Benchmark, DrawnBenchmark
from leanvlm.benchmarks._canvas import COLORS, FIELDS
from leanvlm.errors import InputError
from leanvlm.sample import Sample

DRAWN = [name for name in plugins.ids("benchmarks") if issubclass(plugins.load("benchmarks", name), DrawnBenchmark)]


def samples(benchmark: Benchmark, n: int) -> list[Sample]:
    return list(benchmark.samples(n, seed=0))


def pixel(sample: Sample, x: float, y: float) -> tuple[int, ...]:
    """Look at the pictures below each other."""
    pixels = np.concatenate([np.asarray(picture) for picture in sample.pictures()])
    return tuple(pixels[int(y * len(pixels)), int(x * pixels.shape[1])].tolist())


def test_the_evidence_lies_where_it_is_said_to() -> None:
    told = [one for one in samples(scenes.Benchmark(), 100) if one.kind == "attribute" and "what color" in one.question]
    assert len(told) > 5
    for sample in told:
        where = sample.properties["evidence_x"], sample.properties["evidence_y"]
        assert pixel(sample, *where) == COLORS[sample.answers[0]]


def test_the_top_of_the_highest_bar_has_nothing_coloured_above_it() -> None:
    highest = [one for one in samples(charts.Benchmark(jitter=0), 60) if "highest" in one.question]
    assert len(highest) > 5
    for sample in highest:
        pixels = np.asarray(sample.pictures()[0]).astype(int)
        is_colored = np.ptp(pixels, axis=-1) > 60
        if is_colored.any():  # bars may be gray or black
            assert abs(sample.properties["evidence_y"] - is_colored.any(1).argmax() / len(pixels)) < 0.05


def test_a_value_lies_on_the_page_that_is_asked_about() -> None:
    for sample in samples(pages.Benchmark(), 30):
        page = int(sample.question.removeprefix("on page ").split(",")[0])
        n = len(sample.images)
        assert (page - 1) / n < sample.properties["evidence_y"] < page / n


def test_objects_are_counted() -> None:
    counted = [one for one in samples(scenes.Benchmark(), 100) if one.question == "how many objects?"]
    assert len(counted) > 5
    assert all(one.properties["n_objects"] == float(one.answers[0]) for one in counted)


@pytest.mark.parametrize("name", DRAWN)
def test_every_drawn_sample_says_what_may_make_it_hard(name: str) -> None:
    drawn = samples(plugins.load("benchmarks", name)(), 6)
    assert all({"n_objects", "text_density"} <= set(sample.properties) for sample in drawn)
    assert all(value >= 0 for sample in drawn for value in sample.properties.values())


def test_half_of_the_objects_that_are_asked_about_are_there_and_the_picture_shows_them() -> None:
    asked = samples(existence.Benchmark(), 300)
    assert Counter(sample.kind for sample in asked) == dict.fromkeys(("random", "popular", "adversarial"), 100)
    said = Counter(sample.answers[0] for sample in asked)
    assert abs(said["yes"] - 150) < 45, "five standard deviations"
    for sample in asked:
        color = sample.question.split()[3]
        shown = (np.asarray(sample.pictures()[0]) == COLORS[color]).all(-1).any()
        if sample.answers == ("yes",):
            assert pixel(sample, sample.properties["evidence_x"], sample.properties["evidence_y"]) == COLORS[color]
        elif sample.kind == "adversarial":
            assert shown, "another object has its colour"


def test_absent_objects_are_popular_where_they_are_said_to_be() -> None:
    asked = samples(existence.Benchmark(), 300)
    absent = defaultdict(set)
    for sample in asked:
        if sample.answers == ("no",):
            absent[sample.kind].add(sample.question)
    assert len(absent["popular"]) == 4
    assert len(absent["random"]) > 15


def test_what_cannot_be_answered_is_not_on_the_page() -> None:
    asked = samples(unanswerable.Benchmark(), 60)
    assert Counter(sample.kind for sample in asked) == {"absent": 30, "present": 30}
    for sample in asked:
        assert sample.question.endswith("say none.")
        key = sample.question.removeprefix("what is the ").split("?")[0]
        assert key in FIELDS
        assert ("none" in sample.answers) == (sample.kind == "absent")
        assert ("evidence_y" in sample.properties) == (sample.kind == "present")


def test_options_stand_once_at_each_letter() -> None:
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples(rotations.Benchmark(), 40):
        groups[sample.group_id].append(sample)
    assert len(groups) == 10
    for turns in groups.values():
        assert {sample.answers[0] for sample in turns} == set("ABCD")
        assert len({sample.answers[1] for sample in turns}) == 1
        assert len({frozenset(sample.options) for sample in turns}) == 1
        for place in range(4):
            assert {sample.options[place] for sample in turns} == set(turns[0].options)
        for sample in turns:
            assert sample.options["ABCD".index(sample.answers[0])] == sample.answers[1]
            assert f"{sample.answers[0]}. {sample.answers[1]}" in sample.question


def test_a_number_of_options_that_cannot_be_offered_is_refused() -> None:
    with pytest.raises(InputError, match="rotations offers 5 options; let it be from 2 to 4"):
        next(rotations.Benchmark(options=5).samples(1, seed=0))
