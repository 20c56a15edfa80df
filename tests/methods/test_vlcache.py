"""VL-Cache on two layers of ten tokens: the fixture, and one whose attention rests on a single position."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from leanvlm.methods._cache import apportion
from leanvlm.methods._method import top
from leanvlm.methods._signals import Signals, Wanted
from leanvlm.methods.cache.vlcache import Method
from tests.methods.fixtures import signals

VISUAL = (2, 3, 4, 5, 6)  # three tokens follow


def two_layers() -> list[Signals]:
    resting = torch.ones(4, 10, 10, dtype=torch.float64)
    resting[:, :, 5] = 1000
    return [signals(layer=0, n_layers=2, visual=VISUAL), signals(resting, layer=1, n_layers=2, visual=VISUAL)]


def test_density_is_one_minus_the_published_sparsity() -> None:
    first, second = two_layers()
    method = Method(budget=0.4)
    assert method.wants(first.is_visual) == Wanted(rows=3)
    assert 1 - method._density(first) == pytest.approx(0.296296, abs=1e-6)
    assert 1 - method._density(second) == pytest.approx(0.888889, abs=1e-6)


def test_the_published_shares_add_up_exactly() -> None:
    """The paper's rule gives 0.690909 and 0.109091 of ten positions each: 6.9 and 1.1."""
    assert Method(budget=0.4).allocate(two_layers()) == [7, 1]
    assert Method(budget=0.4, uniform=1.0).allocate(two_layers()) == [4, 4]


@pytest.mark.parametrize(("shared", "kept"), [(True, [[0, 2, 4, 5, 6, 7, 9]] * 2),
                                              (False, [[0, 2, 4, 5, 6, 7, 9], [0, 1, 2, 4, 6, 7, 9]])])  # fmt: skip
def test_kept_positions(shared: bool, kept: list[list[int]]) -> None:
    first = two_layers()[0]
    scores = Method(budget=0.4).score(first, 7)
    if shared:
        scores = scores.mean(1, keepdim=True).expand_as(scores)
    assert top(scores, 7)[0].tolist() == kept


@pytest.mark.parametrize("total", [3, 7, 20, 29, 30])
def test_what_a_bound_takes_or_gives_is_shared_out_anew(total: int) -> None:
    counts = apportion([1000.0, 1.0, 0.001], total, [10, 10, 10])
    assert sum(counts) == total
    assert all(1 <= count <= 10 for count in counts)
    assert counts == sorted(counts, reverse=True)


def test_a_full_budget_keeps_all() -> None:
    layers: Any = [SimpleNamespace(n_tokens=n) for n in (10, 4)]
    assert apportion([5.0, 1.0], 14, [layer.n_tokens for layer in layers]) == [10, 4]
