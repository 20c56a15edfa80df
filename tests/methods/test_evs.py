"""EVS on the example of three frames of four tokens, unit vectors at angles."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from leanvlm.methods.tokens import evs
from tests.methods.fixtures import tokens_of

THREE = (0, 0, 0, 0, 10, 0, 60, 5, 10, 90, 60, 35)


def circle(degrees: tuple[float, ...]) -> Tensor:
    angles = torch.deg2rad(torch.tensor(degrees))
    return torch.stack([angles.cos(), angles.sin()], -1)


def reduced(features: Tensor, n: int, *, n_frames: int = 3, attention: Tensor | None = None) -> list[int]:
    given = tokens_of(features, attention, n_frames=n_frames)
    index, kept = evs.Method(budget=0.5).reduce(given, n)
    assert torch.equal(kept, features[index])
    return index.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("n", "kept"),
    [
        (9, [0, 1, 2, 3, 4, 6, 7, 9, 11]),
        (6, [0, 1, 2, 3, 6, 9]),
        (5, [0, 1, 2, 3, 9]),
        (3, [0, 1, 2, 3]),  # the first frame stays
        (1, [0, 1, 2, 3]),
    ],
)
def test_three_frames(n: int, kept: list[int]) -> None:
    assert reduced(circle(THREE), n) == kept


def test_of_a_video_that_stands_still_the_first_tokens_stay() -> None:
    assert reduced(circle((0, 30, 60, 90) * 3), 6) == [0, 1, 2, 3, 4, 5]


def test_time_has_a_direction() -> None:
    backwards = circle(THREE).view(3, 4, 2).flip(0).reshape(12, 2)
    assert reduced(backwards, 5) == [0, 1, 2, 3, 5]


def test_a_token_of_zeros_is_like_nothing() -> None:
    features = circle((0, 0, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0))
    features[10] = 0
    assert reduced(features, 5) == [0, 1, 2, 3, 10]


def test_lengths_do_not_count() -> None:
    assert reduced(circle(THREE) * torch.arange(1.0, 13)[:, None], 9) == reduced(circle(THREE), 9)


def test_a_newline_goes_first_and_belongs_to_no_frame() -> None:
    features = torch.cat([circle(THREE), torch.full((1, 2), 1e6)])
    attention = torch.cat([torch.ones(12), torch.tensor([float("-inf")])])
    for n in (4, 6, 9):
        assert reduced(features, n, attention=attention) == reduced(circle(THREE), n)
    assert reduced(features, 12, attention=attention) == [*range(12)]
    assert reduced(features, 13, attention=attention) == [*range(13)]


def test_one_frame_stays_whole() -> None:
    assert reduced(circle((0, 10, 20)), 1, n_frames=1) == [0, 1, 2]
