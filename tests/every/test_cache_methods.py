"""What is asked of every cache method on signals made by lot: exact counts, heads that are worth the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from leanvlm import plugins
from leanvlm.engine.attention.recorders import column_sums
from leanvlm.engine.attention.recording import AttentionCall
from leanvlm.engine.evict import select
from leanvlm.methods._cache import CacheMethod
from leanvlm.methods._method import n_keep
from leanvlm.methods._signals import Signals

METHODS = [name for name in plugins.ids("methods") if issubclass(plugins.load("methods", name), CacheMethod)]
LAYERS, HEADS, GROUPS, TOKENS = 6, 8, 2, 120


def layers(order: list[int] | None = None, seed: int = 0) -> list[Signals]:
    """Draw one prompt's signals, of 80 visual tokens among 120; `order` permutes the query heads."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(1)
    found = []
    for layer in range(LAYERS):
        query, key = 3 * torch.randn(1, HEADS, TOKENS, 16), torch.randn(1, GROUPS, TOKENS, 16)
        call = AttentionCall(query[:, order or list(range(HEADS))], key, 0.25, None, None)
        is_visual = (torch.arange(TOKENS) >= 10) & (torch.arange(TOKENS) < 90)
        known = (call.key, call.query, column_sums(call), is_visual, call.scaling)
        most = most_of_all_rows(call)
        found.append(Signals(*known, layer=layer, n_layers=LAYERS, generator=generator, repeated=most))
    return found


def most_of_all_rows(call: AttentionCall) -> Tensor:
    """Stand for a repetition: let all rows see all keys."""
    queries = call.query.unflatten(1, (GROUPS, -1))  # type: ignore[no-untyped-call]
    most: Tensor = (queries @ call.key[:, :, None].mT * call.scaling).softmax(-1).amax((2, 3))
    return most


def kept(name: str, budget: float, given: list[Signals]) -> list[Tensor]:
    method = plugins.load("methods", name)(budget=budget)
    assert isinstance(method, CacheMethod)
    return select(given, method)


@pytest.mark.parametrize("budget", [0.01, 0.1, 0.4, 0.97, 1.0])
@pytest.mark.parametrize("name", METHODS)
def test_the_total_is_exact_and_places_are_ascending(name: str, budget: float) -> None:
    """A head that keeps fewer than its layer's longest has its first place several times."""
    places = kept(name, budget, layers())
    assert sum(layer.unique(dim=-1).shape[-1] for of_layer in places for layer in of_layer[0]) == (
        LAYERS * GROUPS * n_keep(TOKENS, budget)
    )
    for layer in places:
        assert layer.shape[:2] == (1, GROUPS)
        assert ((layer.diff(dim=-1) > 0) | (layer[..., 1:] == layer[..., :1])).all()
        assert (layer.diff(dim=-1) > 0).all(-1).any(), "one of the heads is the longest"
        assert (layer[..., -1] == TOKENS - 1).all(), "the last position always stays"


@pytest.mark.parametrize("name", METHODS)
def test_query_heads_that_share_a_key_head_are_worth_the_same(name: str) -> None:
    one, other = kept(name, 0.3, layers()), kept(name, 0.3, layers(order=[2, 0, 3, 1, 7, 6, 4, 5]))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_shared_heads_keep_the_same_places(name: str) -> None:
    method = replace(plugins.load("methods", name)(budget=0.2), shared=True)
    for places in select(layers(), method):
        assert torch.equal(places[:, 0], places[:, 1])
