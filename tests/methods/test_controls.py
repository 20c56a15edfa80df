"""Controls do what their names say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL.Image import Image

from leanvlm.engine.passes import rng_for
from leanvlm.methods._method import top
from leanvlm.methods.controls import blind, downsample, random_cache, random_tokens
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from tests.methods.fixtures import signals, tokens_of


def test_blind_shows_nothing(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    images, question = prompts[0]
    ids = model.inputs(blind.Method().transform(images), question)["input_ids"][0]
    assert not torch.isin(ids, torch.tensor(model.visual_ids)).any()
    assert question in model.tokenizer.decode(ids)


@pytest.mark.parametrize("budget", [0.1, 0.4, 1.0])
def test_downsample_keeps_the_asked_area(budget: float, prompts: list[tuple[list[Image], str]]) -> None:
    for image in prompts[1][0]:
        (small,) = downsample.Method(budget=budget).transform([image])
        assert small.width * small.height == pytest.approx(budget * image.width * image.height, rel=0.03)
        assert small.width / small.height == pytest.approx(image.width / image.height, rel=0.03)


def test_random_tokens_keep_all_tokens_equally_often() -> None:
    counts = torch.zeros(20)
    for sample in range(2000):
        generator = rng_for(parse("controls/random_tokens@10%").parts[0], str(sample))
        given = replace(tokens_of(torch.zeros(20, 1)), generator=generator)
        counts[random_tokens.Method(budget=0.1).reduce(given, 2)[0]] += 1
    assert counts.sum() == 4000
    assert (counts - 200).abs().max() < 5 * (200 * 0.9) ** 0.5  # five standard deviations


def test_random_cache_keeps_the_last_and_draws_per_head() -> None:
    part = parse("controls/random_cache@30%").parts[0]
    kept = []
    for _ in range(2):
        given = signals()
        given.generator.set_state(rng_for(part, "s").get_state())
        kept.append(top(random_cache.Method(budget=0.3).score(given, 3), 3)[0].tolist())
    assert kept[0] == kept[1]
    assert kept[0][0] != kept[0][1]
    assert all(9 in head for head in kept[0])
