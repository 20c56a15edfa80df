"""PruMerge+ on the worked example: twelve tokens whose keys stand around a circle like a clock's hours."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from leanvlm.methods._tokens import VisualTokens
from leanvlm.methods.tokens import prumerge
from leanvlm.recipes import parse
from tests.methods.fixtures import tokens_of

ATTENTION = (0.04983, 0.23545, 0.41568, 0.23545, 0.04983, 0.00597, 0.00072, 0.00015, 0.00009, 0.00015, 0.00072, 0.00597)
MERGED_X = {0: 0.30115, 2: 2.9418, 4: 4.73622, 6: 6.03093, 8: 8.00242, 10: 10.06707}  # EffiVLM-Bench's, at 50 %


def clock() -> VisualTokens:
    angles = torch.deg2rad(30 * torch.arange(12.0))
    keys = torch.stack([angles.cos(), angles.sin()], -1)
    features = torch.stack([torch.arange(12.0), torch.ones(12)], -1)
    return tokens_of(features, torch.tensor(ATTENTION), keys)


def pages(n_patches: int = 90, *, row: int = 9) -> VisualTokens:
    """Random patches with a row-end token after every `row` of them."""
    generator = torch.Generator().manual_seed(0)
    n = n_patches + n_patches // row
    is_patch = torch.arange(n) % (row + 1) < row
    attention = torch.rand(n, generator=generator).masked_fill(~is_patch, float("-inf"))
    keys = torch.randn(n, 8, generator=generator) * is_patch[:, None]
    return tokens_of(torch.randn(n, 3, generator=generator), attention, keys)


def reduced(tokens: VisualTokens, n: int, *, spatial: bool = True) -> tuple[Tensor, Tensor]:
    return prumerge.Method(budget=0.5, spatial=spatial).reduce(tokens, n)


@pytest.fixture
def two_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prumerge, "NEIGHBOURS", 2)


def test_attention_of_the_example_is_one_wide_head_s() -> None:
    keys = clock().metric()
    query = 6 * torch.tensor([0.5, 0.75**0.5])
    assert (keys @ query * 2**-0.5).softmax(-1).tolist() == pytest.approx(ATTENTION, abs=1e-5)


def test_only_the_third_token_is_an_outlier() -> None:
    assert prumerge._n_outliers(torch.tensor(ATTENTION)) == 1
    assert prumerge._n_outliers(torch.ones(12)) == 1  # none stands out, the first is taken
    assert prumerge._n_outliers(torch.tensor([0.0] * 10 + [1.0, 2.0])) == 2


@pytest.mark.parametrize(("third", "outliers"), [(0.2396, 1), (0.2398, 2)])
def test_quartiles_are_interpolated(third: float, outliers: int) -> None:
    values = (*ATTENTION[:3], third, *ATTENTION[4:])  # 0.000575 and 0.096234 still, so the whisker is at 0.239722
    assert prumerge._n_outliers(torch.tensor(values)) == outliers


@pytest.mark.usefixtures("two_neighbours")
@pytest.mark.parametrize("spatial", [True, False])
def test_one_token_is_the_outlier_with_its_neighbours(spatial: bool) -> None:
    places, features = reduced(clock(), 1, spatial=spatial)
    assert places.tolist() == [2]
    assert features[0].tolist() == pytest.approx([2.9418, 1.4709], abs=1e-4)


@pytest.mark.usefixtures("two_neighbours")
@pytest.mark.parametrize("spatial", [True, False])
def test_merging_depends_on_the_token_alone(spatial: bool) -> None:
    seen = set()
    for n in range(1, 12):
        places, features = reduced(clock(), n, spatial=spatial)
        found = dict(zip(places.tolist(), features[:, 0].tolist(), strict=True))
        seen |= found.keys()
        for place in found.keys() & MERGED_X.keys():
            assert found[place] == pytest.approx(MERGED_X[place], abs=1e-4)
    assert seen >= MERGED_X.keys() - {8}  # attention alone never takes token 8, the lowest


def test_samples_lie_evenly_among_the_tokens_that_are_left() -> None:
    assert reduced(clock(), 6)[0].tolist() == [1, 2, 4, 6, 8, 10]  # 2, then middles of five stretches of the other 11
    assert reduced(clock(), 9)[0].tolist() == [0, 2, 3, 4, 5, 7, 8, 9, 11]  # upstream keeps none of 9, 10, 11
    assert reduced(clock(), 6, spatial=False)[0].tolist() == [0, 1, 2, 3, 4, 5]  # a tie of 5 and 11: the earlier


@pytest.mark.parametrize("n", [4, 9, 18, 27, 45, 60, 80])
def test_no_part_of_the_picture_is_left_out(n: int) -> None:
    places = reduced(pages(), n)[0].double()
    gaps = torch.cat([places[:1] + 1, places.diff(), 100 - places[-1:]])
    assert gaps.max() <= 1.5 * 100 / n + 3  # a stretch and a half, and the row end and the outlier within it


@pytest.mark.parametrize("n", range(1, 100, 7))
@pytest.mark.parametrize("spatial", [True, False])
def test_the_count_is_exact_and_row_ends_go_first(n: int, spatial: bool) -> None:
    tokens = pages()
    places, features = reduced(tokens, n, spatial=spatial)
    assert len(places) == len(features) == n
    assert (places.diff() > 0).all()
    assert features.isfinite().all()
    is_row_end = tokens.rank()[places].isinf()
    assert int(is_row_end.sum()) == max(0, n - 90)
    assert torch.equal(features[is_row_end], tokens.features[places[is_row_end]])


def test_row_ends_are_nobody_s_neighbours() -> None:
    given, other = pages(), pages()
    other.features[other.rank().isinf()] = 1e6
    for n in (10, 60, 89):
        assert torch.equal(reduced(given, n)[1], reduced(other, n)[1])


def test_keeping_all_changes_nothing() -> None:
    places, features = reduced(clock(), 12)
    assert places.tolist() == list(range(12))
    assert torch.equal(features, clock().features)


def test_a_few_patches_have_fewer_neighbours() -> None:
    tokens = tokens_of(torch.tensor([[1.0], [2.0]]), torch.tensor([0.25, 0.5]), torch.ones(2, 2))
    assert reduced(tokens, 1)[1].tolist() == [[2.25]]
    alone = tokens_of(tokens.features, torch.tensor([0.5, float("-inf")]), torch.ones(2, 2))
    assert reduced(alone, 1)[1].tolist() == [[1.0]]


def test_the_option_is_read_from_a_recipe() -> None:
    assert parse("tokens/prumerge@10%:spatial=true").text == "tokens/prumerge@10%"
    assert parse("tokens/prumerge@10%:spatial=false").parts[0].built.spatial is False
