"""SnapKV on the ten-token fixture."""

from __future__ import annotations

import pytest
import torch

from leanvlm.methods._method import top
from leanvlm.methods.cache.snapkv import Method
from tests.methods.fixtures import heads, signals


def test_the_fixture_is_the_published_one() -> None:
    row = signals().last_rows(10)[0, :, 3, :4]
    first = heads()[0, 3, :4] / heads()[0, 3, :4].sum()
    second = heads()[1, 3, :4] / heads()[1, 3, :4].sum()
    assert first.tolist() == pytest.approx([3 / 14, 1 / 14, 6 / 14, 4 / 14])
    assert row[0].tolist() == pytest.approx(((first + second) / 2).tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("kernel", "window_share", "kept"),
    [
        (1, 0.4, [[2, 5, 6, 8, 9], [2, 4, 7, 8, 9]]),
        (5, 0.4, [[3, 4, 5, 8, 9], [5, 6, 7, 8, 9]]),
        (5, 0.1, [[3, 5, 6, 7, 9], [5, 6, 7, 8, 9]]),
    ],
)
def test_kept_positions(kernel: int, window_share: float, kept: list[list[int]]) -> None:
    method = Method(budget=0.5, kernel=kernel, window_share=window_share)
    assert top(method.score(signals(), 5), 5)[0].tolist() == kept


def test_pooled_votes() -> None:
    votes = Method(budget=0.5, window_share=0.4).score(signals(), 5)[0, :, :8] * 4  # a sum over 2 heads and 2 rows
    assert votes[0].tolist() == pytest.approx(
        [0.0609, 0.0760, 0.0930, 0.7218, 0.7283, 0.7247, 0.7096, 0.6925], abs=1e-4
    )
    assert votes[1].tolist() == pytest.approx(
        [0.0709, 0.0870, 0.1173, 0.1055, 0.1109, 0.7012, 0.6851, 0.6548], abs=1e-4
    )


def test_the_window_leaves_room_for_votes() -> None:
    assert Method(budget=0.1).voters(40) == 20
    assert Method(budget=0.5).voters(200) == 32
    assert torch.isinf(Method(budget=0.5).score(signals(), 5)).sum(-1).tolist() == [[2, 2]]
