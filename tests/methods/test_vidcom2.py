"""VidCom2 on the example of two frames of four tokens; loops over its formulas on more."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
import torch
from torch import Tensor

from leanvlm.methods._method import n_keep
from leanvlm.methods.tokens import vidcom2
from tests.methods.fixtures import tokens_of

RANK = [9.07879, 9.69179, 9.55692, 9.07879, 7.49116, 9.01622, 3.98573, 8.94426]  # likeness to video and frame


def two_frames() -> Tensor:
    """Angles in the first two channels, which vary less than the others."""
    angles = torch.deg2rad(torch.tensor([0.0, 10, 20, 0, 0, 15, 90, 40]))
    fifth = 5 * torch.tensor([1.0, -1] * 4)
    ninth = 9 * torch.tensor([1.0, 1, -1, -1] * 2)
    return torch.stack([angles.cos(), angles.sin(), fifth, ninth], -1)


def reduced(features: Tensor, budget: float, *, n_frames: int = 2, attention: Tensor | None = None) -> list[int]:
    given = tokens_of(features, attention, n_frames=n_frames)
    index, kept = vidcom2.Method(budget=budget).reduce(given, n_keep(len(features), budget))
    assert torch.equal(kept, features[index])
    return index.tolist()  # type: ignore[no-any-return]


def drawn(n_frames: int = 5, n_places: int = 9, width: int = 7) -> Tensor:
    return torch.randn(n_frames * n_places, width, generator=torch.Generator().manual_seed(0))


def test_the_channels_that_vary_least_are_read() -> None:
    assert two_frames().var(0, correction=0).tolist() == pytest.approx([0.10427, 0.11211, 25, 81], abs=1e-5)
    assert torch.equal(vidcom2.steady(two_frames()), two_frames()[:, :2])
    assert vidcom2.steady(drawn(width=7)).shape[1] == 3
    assert vidcom2.steady(drawn(width=1)).shape[1] == 1


def test_likeness_to_the_video_and_to_the_frame() -> None:
    frames = vidcom2.steady(two_frames()).view(2, 4, 2)
    to_video = vidcom2.likeness(frames, frames.mean((0, 1)))
    expected = [4.20734, 4.70736, 4.89972, 4.20734, 4.20734, 4.85064, 1.71017, 4.20237]
    assert to_video.flatten().tolist() == pytest.approx(expected, abs=1e-4)
    both = to_video + vidcom2.likeness(frames, frames.mean(1, keepdim=True))
    assert both.flatten().tolist() == pytest.approx(RANK, abs=1e-4)


@pytest.mark.parametrize(
    ("budget", "counts", "kept"),
    [
        (0.5, [1, 3], [0, 4, 6, 7]),  # 0 and 3 are a tie
        (0.75, [2, 4], [0, 3, 4, 5, 6, 7]),
        (0.25, [1, 2], [4, 6]),  # three tokens where two are asked: the one most alike goes, with its frame
    ],
)
def test_two_frames(budget: float, counts: list[int], kept: list[int]) -> None:
    strangeness = -torch.tensor([18.02176, 14.97052]) / 4
    assert vidcom2.shares(strangeness, budget, n_places=4) == counts
    assert reduced(two_frames(), budget) == kept


@pytest.mark.parametrize("budget", [0.03, 0.2, 0.4, 0.77, 0.95, 1.0])
@pytest.mark.parametrize("n_frames", [1, 3, 5])
def test_the_sum_is_exact(budget: float, n_frames: int) -> None:
    assert len(reduced(drawn(n_frames), budget, n_frames=n_frames)) == n_keep(9 * n_frames, budget)


@pytest.mark.parametrize("budget", [0.1, 0.3, 0.6, 0.9])
def test_loops_choose_the_same(budget: float) -> None:
    """Frame shares by hand; then the tokens too many or too few, one by one, as vLLM's rule has it."""
    n_frames, n_places, features = 5, 9, drawn().double().numpy()
    channels = sorted(sorted(range(7), key=lambda c: float(features[:, c].var()))[:3])
    points = features[:, channels] / np.linalg.norm(features[:, channels], axis=1, keepdims=True)
    frame_of = [place // n_places for place in range(len(points))]

    def alike(point: np.ndarray, mean: np.ndarray) -> float:
        return sum(exp(-float(((point - mean) ** 2).sum()) / (2 * a)) for a in (0.125, 0.25, 0.5, 1, 2))

    means = [points[frame * n_places : (frame + 1) * n_places].mean(0) for frame in range(n_frames)]
    video = [alike(point, points.mean(0)) for point in points]
    both = [video[i] + alike(points[i], means[frame_of[i]]) for i in range(len(points))]
    strange = [-sum(video[i] for i in range(len(points)) if frame_of[i] == t) / n_places for t in range(n_frames)]
    powers = [exp((s - max(strange)) / 0.01) for s in strange]
    kept = []
    for t in range(n_frames):
        scale = min(1, budget * (1 + powers[t] / sum(powers) - 1 / n_frames))
        own = [i for i in range(len(points)) if frame_of[i] == t]
        kept += sorted(own, key=lambda i: both[i])[: max(1, round(n_places * scale))]
    while len(kept) > n_keep(45, budget):
        kept.remove(max(kept, key=lambda i: both[i]))
    while len(kept) < n_keep(45, budget):
        kept.append(min((i for i in range(45) if i not in kept), key=lambda i: both[i]))
    assert reduced(drawn(), budget, n_frames=5) == sorted(kept)


def test_the_order_within_a_frame_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(0)
    order = torch.cat([9 * frame + torch.randperm(9, generator=generator) for frame in range(5)])
    kept = set(reduced(drawn(), 0.4, n_frames=5))
    assert {int(order[place]) for place in reduced(drawn()[order], 0.4, n_frames=5)} == kept


def test_a_newline_goes_first_and_belongs_to_no_frame() -> None:
    features = torch.cat([two_frames(), torch.full((1, 4), 1e6)])
    attention = torch.cat([torch.ones(8), torch.tensor([float("-inf")])])
    assert reduced(features, 4 / 9, attention=attention) == [0, 4, 6, 7]
