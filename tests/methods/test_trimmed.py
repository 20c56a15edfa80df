"""Trimmed Llama's choice among what the first cross-attention layer looks at; tests/models/test_mllama.py runs it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from leanvlm.methods.tokens import trimmed

TWO_HEADS = torch.tensor([[0.4, 0.3, 0.1, 0.1, 0.1], [0.1, 0.05, 0.5, 0.3, 0.05]])


def chosen(received: Tensor, n: int) -> list[int]:
    return trimmed.Method(budget=0.5).choose(received, n).tolist()


def test_the_best_place_in_any_heads_order_decides() -> None:
    """By hand: places 0 1 2 3 4 and 2 3 0 1 4; of the first ones 0.5 goes before 0.4, of the second ones 1 before 3."""
    expected = [[2], [0, 2], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]]
    assert [chosen(TWO_HEADS, n) for n in range(1, 6)] == expected


def union(received: Tensor, k: int) -> set[int]:
    """Take the paper's own set: each head's top k, one by one."""
    found = set()
    for head in received.tolist():
        found |= set(sorted(range(len(head)), key=lambda place: (-head[place], place))[:k])
    return found


@pytest.mark.parametrize("seed", range(3))
def test_where_a_union_of_top_k_has_as_many_it_is_what_stays(seed: int) -> None:
    received = torch.rand(4, 30, generator=torch.Generator().manual_seed(seed)).softmax(-1)
    for k in range(1, 31):
        whole = union(received, k)
        assert set(chosen(received, len(whole))) == whole
    for n in range(1, 31):
        k = max(k for k in range(31) if len(union(received, k)) <= n)
        assert union(received, k) <= set(chosen(received, n)) <= union(received, k + 1)
        assert len(chosen(received, n)) == n


def test_the_order_of_heads_decides_nothing() -> None:
    received = torch.rand(6, 20, generator=torch.Generator().manual_seed(5))
    shuffled = received[torch.tensor([3, 1, 5, 0, 4, 2])]
    assert all(chosen(received, n) == chosen(shuffled, n) for n in range(1, 21))


def test_ties_go_to_the_earlier() -> None:
    assert chosen(torch.full((3, 6), 1 / 6), 4) == [0, 1, 2, 3]
