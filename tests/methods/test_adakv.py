"""Ada-KV: two heads of six scores worked by hand, counts by a plain loop, and heads of their own lengths in a cache."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import islice
from math import floor, inf
from typing import Any

import pytest
import torch

from leanvlm.engine.cache.kept_layer import KeptLayer, padding_of
from leanvlm.engine.cache.size import CacheSize
from leanvlm.engine.decode.decode import Way, decode
from leanvlm.engine.decode.joint import JointRows
from leanvlm.engine.decode.joint_cache import attended
from leanvlm.engine.decode.rows import SingleRows
from leanvlm.engine.decode.steps import Chosen, DecodeStart, steps
from leanvlm.engine.evict import EvictedCache, select
from leanvlm.engine.passes import keep_cache, read_prompt
from leanvlm.engine.prefill.prefill import Prefilled
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.methods.cache.adakv import SCORERS, Method
from leanvlm.recipes import parse
from tests.engine.test_joint import tokens
from tests.every.test_cache_methods import layers
from tests.models import tiny

HEADS = torch.tensor([[[0.30, 0.25, 0.20, 0.10, 0.08, 0.07], [0.50, 0.04, 0.03, 0.02, 0.01, 0.00]]])


@pytest.mark.parametrize(
    ("n", "uniform", "counts"),
    [
        (3, 0.0, [5, 1]),
        (3, 0.2, [5, 1]),  # 4.6 and 1.4
        (3, 0.5, [4, 2]),
        (3, 1.0, [3, 3]),
        (2, 0.0, [3, 1]),
        (2, 0.5, [3, 1]),  # 2.5 and 1.5: the earlier gets it
        (5, 0.2, [6, 4]),
        (6, 0.2, [6, 6]),
    ],
)
def test_counts(n: int, uniform: float, counts: list[int]) -> None:
    assert Method(budget=0.5, uniform=uniform).per_head([HEADS], [n]) == [counts]


def test_what_must_stay_stays_in_every_head() -> None:
    """A window of two behind the six: the counts are those of the six, and two."""
    scores = torch.cat([HEADS, torch.full((1, 2, 2), inf)], -1)
    assert Method(budget=0.5).per_head([scores, HEADS], [5, 3]) == [[7, 3], [5, 1]]
    assert Method(budget=0.5).per_head([scores], [2]) == [[2, 2]]


@pytest.mark.parametrize("seed", range(30))
def test_a_plain_loop_counts_the_same(seed: int) -> None:
    lots = random.Random(seed)
    heads, n_tokens = lots.randint(1, 6), lots.randint(2, 20)
    table = [[lots.choice((0, 1, 2, 3)) * lots.choice((1, 8)) / 32 for _ in range(n_tokens)] for _ in range(heads)]
    fixed, uniform = lots.randint(0, 2), lots.choice((0.0, 0.2, 0.25, 0.5, 1.0))
    n = fixed + lots.randint(0, n_tokens)
    scores = torch.cat([torch.tensor([table]), torch.full((1, heads, fixed), inf)], -1)
    [found] = Method(budget=0.5, uniform=uniform).per_head([scores], [n])
    assert found == slow(table, n - fixed, Fraction(str(uniform)), fixed)
    assert sum(found) == heads * n
    assert all(fixed <= count <= n_tokens + fixed for count in found)


def slow(table: list[list[float]], n: int, uniform: Fraction, fixed: int) -> list[int]:
    """Take scores from all heads, one by one, ties from the earlier head and place; then round exact fractions."""
    order = sorted(((-score, head, place) for head, row in enumerate(table) for place, score in enumerate(row)))
    taken = [head for _, head, _ in order[: n * len(table)]]
    exact = [uniform * n + (1 - uniform) * taken.count(head) for head in range(len(table))]
    counts = [floor(share) for share in exact]
    while sum(counts) < n * len(table):
        rests = [share - count for share, count in zip(exact, counts, strict=True)]
        counts[rests.index(max(rests))] += 1
    return [count + fixed for count in counts]


@pytest.mark.parametrize("scorer", SCORERS)
def test_alike_it_is_the_scorer_itself(scorer: str) -> None:
    alike = select(layers(), Method(budget=0.3, scorer=scorer, uniform=1.0))
    alone = select(layers(), SCORERS[scorer](budget=0.3))
    uneven = select(layers(), Method(budget=0.3, scorer=scorer))
    assert all(torch.equal(one, other) for one, other in zip(alike, alone, strict=True))
    assert any(one.shape != other.shape for one, other in zip(uneven, alone, strict=True))


def test_a_head_keeps_its_own_best_and_each_only_once() -> None:
    for chosen, own in zip(select(layers(), Method(budget=0.2)), layers(), strict=True):
        scores = Method(budget=0.2).score(own, 24)
        for positions, of_head in zip(chosen[0], scores[0], strict=True):
            kept = positions.unique()
            assert of_head[kept].min() >= of_head[~torch.isin(torch.arange(len(of_head)), kept)].max()


@pytest.fixture(scope="module", params=["qwen2_vl", "gemma3", "lfm2_vl"])
def model(request: pytest.FixtureRequest) -> Any:
    return tiny.build(request.param)


def read(model: Any, recipe: str) -> tuple[Prefilled, EvictedCache]:
    prompt = run_vision(model, model.inputs(tiny.pictures("two"), "two"))
    prefilled = read_prompt(model, prompt, None, "s", [parse(recipe)])
    return prefilled, keep_cache(parse(recipe), prefilled, "s")


def test_padding_stands_for_nothing_and_bytes_are_of_what_is_kept(model: Any) -> None:
    prefilled, kept = read(model, "cache/adakv@30%:uniform=0")
    chosen = select(prefilled.signals(torch.Generator()), Method(budget=0.3, uniform=0.0))
    n_bytes, n_held = 0, 0
    filled: list[Any] = [kept.cache.layers[index] for index in model.attention]
    for layer, positions, keys in zip(filled, chosen, prefilled.keys, strict=True):
        for head, empty in enumerate(padding_of(layer)):
            own = keys[0, head, positions[0, head].unique()]
            assert torch.equal(layer.keys[0, head, empty:], own)
            n_bytes, n_held = n_bytes + 2 * own.nbytes, n_held + len(own)
    assert isinstance(kept.size, CacheSize)
    assert kept.size.cache_bytes == n_bytes
    assert kept.size.share == n_held / sum(keys.shape[1] * keys.shape[2] for keys in prefilled.keys)
    assert any(isinstance(layer, KeptLayer) for layer in filled), "heads that keep as many prove little"


@pytest.mark.parametrize("recipe", ["cache/adakv@30%:uniform=0", "cache/adakv@30%+cache/kivi@2bit:group=8,residual=8"])
def test_every_way_of_decoding_attends_to_what_each_head_holds(model: Any, recipe: str) -> None:
    def start() -> DecodeStart:
        prefilled, kept = read(model, recipe)
        return DecodeStart(kept.cache, prefilled.logits, prefilled.next_position)

    alone = list(islice(steps(model, start()), 14))
    ways: tuple[Way, ...] = (SingleRows, JointRows)
    for way in ways:
        found = tokens(decode(model, [start(), start()], stops=frozenset(), limit=14, rows=3, way=way))
        assert found == [alone, alone]
    padded = {index: padding_of(layer) for index, layer in enumerate(start().cache.layers) if hasattr(layer, "keys")}
    assert any(map(any, padded.values()))


@torch.inference_mode()
def test_nobody_sees_the_padding(model: Any) -> None:
    def said(noise: float) -> list[Chosen]:
        prefilled, kept = read(model, "cache/adakv@30%:uniform=0")
        for index, pair in attended(kept.cache).items():
            for head, empty in enumerate(padding_of(kept.cache.layers[index])):
                for states in pair:
                    states[0, head, :empty] += noise
        start = DecodeStart(kept.cache, prefilled.logits, prefilled.next_position)
        return decode(model, [start], stops=frozenset(), limit=8)[0]

    assert said(0.0) == said(100.0)


def test_alike_no_bit_of_an_answer_differs(model: Any) -> None:
    one, other = (read(model, text)[1].cache for text in ("cache/adakv@30%:uniform=1.0", "cache/snapkv@30%"))
    pairs = zip(attended(one).values(), attended(other).values(), strict=True)
    assert all(torch.equal(a, b) for own in pairs for a, b in zip(*own, strict=True))
    assert [type(layer) for layer in one.layers] == [type(layer) for layer in other.layers]
