"""The pooling control averages neighbours and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d

from leanvlm.methods.controls import pool
from tests.methods.fixtures import tokens_of


def reduced(features: Tensor, n: int) -> tuple[Tensor, Tensor]:
    return pool.Method(budget=0.5).reduce(tokens_of(features), n)


def drawn(n: int) -> Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 8, 12])
def test_equal_groups_are_adaptive_pooling(n: int) -> None:
    features = drawn(24)
    assert torch.allclose(reduced(features, n)[1], adaptive_avg_pool1d(features.T, n).T, atol=1e-6)


def test_ten_tokens_fall_into_groups_of_two_and_three() -> None:
    places, features = reduced(torch.arange(10.0)[:, None], 4)
    assert features[:, 0].tolist() == [0.5, 3, 5.5, 8]  # 0 1 | 2 3 4 | 5 6 | 7 8 9
    assert places.tolist() == [0, 3, 5, 8]


@pytest.mark.parametrize("n", range(1, 30))
def test_every_token_counts_once_and_places_ascend(n: int) -> None:
    weights = reduced(torch.eye(30), n)[1]  # row g: what each token adds to group g
    assert ((weights > 0).sum(0) == 1).all()
    lengths = (weights > 0).sum(1)
    assert int(lengths.max() - lengths.min()) <= 1
    places = reduced(drawn(30), n)[0]
    assert len(places) == n
    assert (places.diff() > 0).all()
    assert (weights[torch.arange(n), places] > 0).all()  # a group's place is one of its own


def test_keeping_all_changes_nothing() -> None:
    places, features = reduced(drawn(7), 7)
    assert places.tolist() == list(range(7))
    assert torch.equal(features, drawn(7))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_constant_features_stay_constant(dtype: torch.dtype) -> None:
    features = torch.full((31, 2), 1.7, dtype=dtype)
    found = reduced(features, 9)[1]
    assert found.dtype == dtype
    assert torch.allclose(found, features[:9])
