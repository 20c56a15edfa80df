"""VisionZip on the two worked examples; the budgets give its own 54 : 10 split the examples' counts."""

from __future__ import annotations

import pytest
import torch

from leanvlm.methods._tokens import VisualTokens
from leanvlm.methods.tokens import visionzip
from tests.methods.fixtures import heads, tokens_of

CONTEXTUAL_SHARE = visionzip.CONTEXTUAL_SHARE  # not the one that the examples are worked with


def tokens(n: int, degrees: list[float]) -> VisualTokens:
    rows = heads(tokens=n, boosts=())[:2]
    rows[:, :, 6] *= 8
    rows[:, :, 1] *= 5
    attention = (rows / rows.sum(-1, keepdim=True)).mean((0, 1))
    angles = torch.deg2rad(torch.tensor(degrees))
    keys = torch.stack([angles.cos(), angles.sin()], -1)
    return tokens_of(torch.arange(n).double()[:, None], attention, keys)


@pytest.fixture(autouse=True)
def _worked_by_hand_with_one_contextual_in_six(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visionzip, "CONTEXTUAL_SHARE", 1 / 4)


def test_row_ends_go_first_and_enter_no_merge() -> None:
    """Two tokens without a patch among ten: the eight others are chosen as if these were not there."""
    eight = tokens(8, [0, 10, 20, 80, 90, 100, 30, 170])
    assert eight.attention is not None
    assert eight.keys is not None
    end, blank = torch.tensor([float("-inf")]), torch.zeros(1, 2, dtype=eight.keys.dtype)
    ten = tokens_of(
        torch.cat([eight.features[:4], torch.tensor([[1e6]]), eight.features[4:], torch.tensor([[1e6]])]),
        torch.cat([eight.attention[:4], end, eight.attention[4:], end]),
        torch.cat([eight.keys[:4], blank, eight.keys[4:], blank]),
    )
    places, features = visionzip.Method(budget=0.4).reduce(ten, 4)
    assert sorted(features[:, 0].tolist()) == pytest.approx([1, 4, 4.25, 6])
    assert not {4, 9} & set(places.tolist())
    assert visionzip.Method(budget=0.9).reduce(ten, 9)[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]


def test_eight_tokens_keep_three_dominant_and_one_contextual() -> None:
    given = tokens(8, [0, 10, 20, 80, 90, 100, 30, 170])
    assert given.attention is not None
    assert given.attention.tolist() == pytest.approx(
        [0.05577, 0.26445, 0.05620, 0.05579, 0.06308, 0.05872, 0.39133, 0.05465], abs=1e-5
    )
    places, features = visionzip.Method(budget=0.5).reduce(given, 4)
    assert places.tolist() == [0, 1, 4, 6]
    assert features[:, 0].tolist() == pytest.approx([4.25, 1, 4, 6])  # 0 + the mean of 2, 3, 5, 7


def test_twenty_tokens_gather_two_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visionzip, "CONTEXTUAL_SHARE", 2 / 13)
    given = tokens(20, [37 * j % 180 for j in range(20)])
    places, features = visionzip.Method(budget=0.7).reduce(given, 13)
    assert places.tolist() == sorted([0, 1, 2, 5, 6, 7, 9, 12, 15, 17, 19, 3, 11])
    found = dict(zip(places.tolist(), features[:, 0].tolist(), strict=True))
    assert (found[3], found[11]) == pytest.approx((14.4, 24.0))


@pytest.mark.parametrize(("n", "n_contextual"), [(1, 0), (6, 0), (7, 1), (12, 1), (13, 2)])
def test_up_to_six_kept_tokens_are_all_dominant(n: int, n_contextual: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visionzip, "CONTEXTUAL_SHARE", CONTEXTUAL_SHARE)
    given = tokens(20, [37 * j % 180 for j in range(20)])
    ranked = sorted(range(20), key=lambda j: -float(given.rank()[j]))
    places, features = visionzip.Method(budget=n / 20).reduce(given, n)
    assert len(places) == n
    assert set(ranked[: n - n_contextual]) <= set(places.tolist())
    assert int((features != given.features[places]).sum()) == n_contextual
