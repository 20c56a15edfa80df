"""Shares of sinks that recipes keep, where they are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from leanvlm.benches import sinks
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

Prompts = list[tuple[list[Image.Image], str]]


def test_attention_is_a_mean_over_the_queries_that_see_a_key() -> None:
    """Three queries that look back evenly: the first key gets 1 + 1/2 + 1/3 of three, the last 1/3 of one."""
    sums = torch.tensor([[[1 + 1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 3]]])
    assert sinks.received(sums)[0].tolist() == pytest.approx([11 / 18, 5 / 12, 1 / 3])


def test_a_tenth_of_the_tokens_are_sinks_and_row_ends_are_none() -> None:
    attention = torch.tensor([float("-inf"), *range(19)])
    assert sorted(sinks.sinks(attention).tolist()) == [18, 19]
    assert len(sinks.sinks(attention[:3])) == 1


def test_who_keeps_all_keeps_all_sinks_and_the_tower_keeps_its_own(model: LoadedModel, prompts: Prompts) -> None:
    pictures, question = prompts[0]
    asked = Sample(sample_id="s", question=question, images=tuple(pictures))
    recipes = ["cache/h2o@100%", "tokens/fastv@100%", "tokens/visionzip@40%"]
    whole, also, tower = sinks.ask(model, asked, [parse(text) for text in recipes])
    assert whole == also == (1.0, 1.0)
    assert tower[1] > 0.9


def test_an_interval_holds_the_mean() -> None:
    low, middle, high = sinks.interval(np.random.default_rng(0).uniform(0.4, 0.6, 50))
    assert 0.45 < low < middle < high < 0.55
