"""DivPrune on six angles worked by hand, and on points whose distances plain loops compare."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from leanvlm.methods.tokens import divprune
from tests.methods.fixtures import tokens_of

SIX = (0, 10, 50, 90, 170, 100)


def circle(degrees: tuple[float, ...]) -> Tensor:
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angles.cos(), angles.sin()], -1)


def points(n: int = 24) -> Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def reduced(features: Tensor, n: int, attention: Tensor | None = None) -> list[int]:
    index, kept = divprune.Method(budget=0.5).reduce(tokens_of(features, attention), n)
    assert torch.equal(kept, features[index])
    return index.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(("n", "kept"), [(1, [4]), (2, [0, 4]), (3, [0, 3, 4]), (4, [0, 2, 3, 4])])
def test_six_angles(n: int, kept: list[int]) -> None:
    assert reduced(circle(SIX), n) == kept


def test_the_order_of_choice_and_its_tie() -> None:
    """At the end 1 and 5 both lie ten degrees from what was chosen: the earlier comes first."""
    assert divprune.farthest(circle(SIX), 6).tolist() == [4, 0, 3, 2, 1, 5]


def test_a_duplicate_is_chosen_last_and_no_token_twice() -> None:
    assert divprune.farthest(circle((0, 0, 90, 90)), 4).tolist() == [0, 2, 1, 3]
    assert divprune.farthest(torch.ones(5, 3), 5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("n", [1, 2, 7, 20])
def test_loops_choose_the_same(n: int) -> None:
    given = points()

    def distance(one: int, other: int) -> float:
        return 1 - float(torch.cosine_similarity(given[one], given[other], dim=0))

    everyone = range(len(given))
    chosen = [max(everyone, key=lambda i: min(distance(i, j) for j in everyone if j != i))]
    while len(chosen) < n:
        free = [i for i in everyone if i not in chosen]
        chosen.append(max(free, key=lambda i: min(distance(i, j) for j in chosen)))
    assert reduced(given, n) == sorted(chosen)


def test_lengths_do_not_count() -> None:
    given = points()
    lengths = torch.arange(1.0, 25)[:, None]
    assert reduced(given * lengths, 9) == reduced(given, 9)


def test_the_closest_pair_comes_no_nearer_with_fewer_tokens() -> None:
    directions = torch.nn.functional.normalize(points(), dim=-1)
    order = divprune.farthest(points(), 24)
    closest = [float(torch.pdist(directions[order[:n]]).min()) for n in range(2, 25)]
    assert closest == sorted(closest, reverse=True)


def test_row_ends_go_first_and_are_compared_with_nothing() -> None:
    attention = torch.ones(26).masked_fill(torch.arange(26) % 13 == 12, float("-inf"))
    patches = [i for i in range(26) if i % 13 != 12]
    given = torch.zeros(26, 5, dtype=torch.float64)
    given[patches] = points()
    for n in (1, 9, 23):
        assert reduced(given, n, attention) == [patches[i] for i in reduced(points(), n)]
    assert reduced(given, 24, attention) == patches
    assert reduced(given, 25, attention) == [*range(25)]


def test_keeping_all_changes_nothing() -> None:
    assert reduced(points(), 24) == [*range(24)]
    assert reduced(points(1), 1) == [0]
