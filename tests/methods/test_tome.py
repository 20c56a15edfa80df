"""ToMe on the worked example of eight tokens, and on rounds that follow each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from leanvlm.methods._tokens import VisualTokens
from leanvlm.methods.tokens import tome
from tests.methods.fixtures import tokens_of

EIGHT = (0, 50, 10, 52, 100, 95, 200, 180)


def tokens(degrees: tuple[float, ...], values: tuple[float, ...], *, lengths: tuple[float, ...] = ()) -> VisualTokens:
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    keys = torch.stack([angles.cos(), angles.sin()], -1) * torch.tensor(lengths or (1.0,) * len(degrees))[:, None]
    features = torch.tensor(values, dtype=torch.float32)[:, None]
    return tokens_of(features, torch.ones(len(degrees)), keys)


def six_rows() -> VisualTokens:
    """Sixty random patches, and a row-end token after every ten."""
    generator = torch.Generator().manual_seed(0)
    is_row_end = torch.arange(66) % 11 == 10
    attention = torch.ones(66).masked_fill(is_row_end, float("-inf"))
    keys = torch.randn(66, 8, generator=generator) * ~is_row_end[:, None]
    return tokens_of(torch.randn(66, 3, generator=generator), attention, keys)


def reduced(given: VisualTokens, n: int) -> tuple[Tensor, Tensor]:
    return tome.Method(budget=0.5).reduce(given, n)


@pytest.mark.parametrize(
    ("n", "places", "values"),
    [
        (7, [0, 1, 2, 3, 5, 6, 7], [0, 1, 2, 3, 4.5, 6, 7]),  # 4 into 5, five degrees apart
        (6, [0, 1, 2, 3, 5, 7], [0, 1, 2, 3, 4.5, 6.5]),  # 6 into 7, twenty degrees
        (5, [0, 1, 3, 5, 7], [0, 1.5, 3, 4.5, 6.5]),  # 2 into 1, forty degrees
        (4, [1, 3, 5, 7], [1, 3, 4.5, 6.5]),  # 0 into 1 as well: the mean of 0, 1, 2
    ],
)
def test_eight_tokens_merge_in_order_of_likeness(n: int, places: list[int], values: list[float]) -> None:
    found, features = reduced(tokens(EIGHT, tuple(range(8))), n)
    assert found.tolist() == places
    assert features[:, 0].tolist() == pytest.approx(values)


def test_sizes_count_in_the_second_round() -> None:
    given = tokens((0, 10, 90), (0, 3, 9))
    assert reduced(given, 2)[0].tolist() == [1, 2]
    assert reduced(given, 2)[1][:, 0].tolist() == pytest.approx([1.5, 9])
    places, features = reduced(given, 1)
    assert places.tolist() == [2]
    assert features[:, 0].tolist() == pytest.approx([4])  # (2 x 1.5 + 9) / 3, not (1.5 + 9) / 2


def test_keys_are_averaged_by_size_too() -> None:
    groups = tome.Groups(torch.arange(2), torch.zeros(2, 1), torch.eye(2), torch.tensor([2.0, 1.0]))
    merged = tome._merge_once(groups, 1)
    assert merged.keys[0].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert merged.sizes.tolist() == [3]


def test_likeness_is_of_direction_not_of_length() -> None:
    given = tokens((0, 40, 10, 20), (0, 1, 2, 3), lengths=(1, 100, 1, 1))
    assert reduced(given, 3)[0].tolist() == [0, 1, 3]  # 2 goes into 3, ten degrees apart
    assert reduced(given, 3)[1][:, 0].tolist() == pytest.approx([0, 1, 2.5])


def test_ties_go_to_the_earlier_token() -> None:
    places, features = reduced(tokens((0, 0, 0, 0), (0, 1, 2, 3)), 3)
    assert places.tolist() == [1, 2, 3]
    assert features[:, 0].tolist() == [0.5, 2, 3]


@pytest.mark.parametrize("n", range(1, 66, 4))
def test_the_count_is_exact_and_no_token_is_lost(n: int) -> None:
    given = six_rows()
    places, features = reduced(given, n)
    assert len(places) == len(features) == n
    assert (places.diff() > 0).all()
    is_row_end = given.rank()[places].isinf()
    assert int(is_row_end.sum()) == max(0, n - 60)
    assert torch.equal(features[is_row_end], given.features[places[is_row_end]])


def test_rounds_say_what_loops_over_pairs_say() -> None:
    given = six_rows()
    for n in (40, 20, 9, 1):
        members = [[place] for place in given.rank().isfinite().nonzero()[:, 0].tolist()]
        while len(members) > n:
            members = _merged_by_loops(given.metric(), members, n)
        places, features = reduced(given, n)
        assert places.tolist() == [group[-1] for group in members]
        expected = torch.stack([given.features[group].mean(0) for group in members])
        assert torch.allclose(features, expected, atol=1e-5)


def _merged_by_loops(keys: Tensor, members: list[list[int]], n: int) -> list[list[int]]:
    """One round in plain Python; a group's last member is the token whose place it has."""
    means = [keys[group].mean(0) for group in members]
    proposals = []
    for even in range(0, len(members), 2):
        likeness = [float(torch.cosine_similarity(means[even], means[b], dim=0)) for b in range(1, len(members), 2)]
        proposals.append((-max(likeness), even, 2 * likeness.index(max(likeness)) + 1))
    n_merges = min(len(members) - n, len(members) // 2)
    merged = {even: odd for _, even, odd in sorted(proposals)[:n_merges]}
    grown = {i: list(group) for i, group in enumerate(members) if i not in merged}
    for even, odd in merged.items():
        grown[odd] = members[even] + grown[odd]
    return [grown[i] for i in sorted(grown)]


def test_keeping_all_changes_nothing() -> None:
    given = six_rows()
    places, features = reduced(given, 66)
    assert places.tolist() == list(range(66))
    assert torch.equal(features, given.features)


def test_the_features_keep_their_dtype() -> None:
    given = six_rows()
    half = replace(given, features=given.features.bfloat16())
    assert reduced(half, 20)[1].dtype == torch.bfloat16
