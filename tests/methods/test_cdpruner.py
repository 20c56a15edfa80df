"""CDPruner on five tokens worked by hand; gains are checked by determinants, which are computed otherwise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from leanvlm.methods._method import top
from leanvlm.methods.tokens import cdpruner
from leanvlm.recipes import parse
from tests.methods.fixtures import tokens_of

FIVE = torch.tensor([[1, 0, 0], [0.9, 0.4, 0], [0, 1, 0.2], [0, 0, 1], [0.5, 0.5, 0.5]], dtype=torch.float64)
RAW = torch.tensor([0.30, 0.28, 0.20, 0.10, 0.22], dtype=torch.float64)


def kernel_of(weights: Tensor, features: Tensor = FIVE) -> Tensor:
    directions = normalize(features, dim=-1)
    return weights[:, None] * (directions @ directions.T).fill_diagonal_(1) * weights


def reduced(features: Tensor, n: int, *, relevance: str = "words", text: Tensor | None = None) -> list[int]:
    method = cdpruner.Method(budget=0.5, relevance=relevance)
    index, kept = method.reduce(tokens_of(features, text=text), n)
    assert torch.equal(kept, features[index])
    return index.tolist()  # type: ignore[no-any-return]


def drawn(n: int = 16, *, width: int = 8) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_five_tokens_by_relevance_and_likeness() -> None:
    weights = cdpruner.spread_out(RAW)
    assert weights.tolist() == pytest.approx([1.000005, 0.900005, 0.500005, 0.000005, 0.600005])
    chosen, gains = cdpruner.most_likely(kernel_of(weights), 3)
    assert chosen.tolist() == [0, 2, 4]
    assert gains.tolist() == pytest.approx([1.00001, 0.25001, 0.07385], abs=1e-5)
    assert float(gains.prod()) == pytest.approx(0.018462, abs=1e-6)


def test_five_tokens_without_relevance() -> None:
    """The first step is a tie of all five, the second one of 2 and 3."""
    chosen, gains = cdpruner.most_likely(kernel_of(torch.ones(5, dtype=torch.float64)), 3)
    assert chosen.tolist() == [0, 2, 3]
    assert gains.tolist() == pytest.approx([1, 1, 0.96154], abs=1e-5)
    assert reduced(FIVE, 3, relevance="none") == [0, 2, 3]


def test_five_tokens_with_softened_relevance() -> None:
    weights = (cdpruner.SOFTENING * cdpruner.spread_out(RAW)).exp()
    assert weights.square().tolist() == pytest.approx([2.71830, 2.45962, 1.64873, 1.00001, 1.82213], abs=1e-5)
    assert cdpruner.most_likely(kernel_of(weights), 3)[0].tolist() == [0, 2, 3]


def test_the_published_sign_of_clip_on_five_angles() -> None:
    angles = torch.deg2rad(torch.tensor([0.0, 20, 90, 60, 45], dtype=torch.float64))
    weights = cdpruner.spread_out(torch.tensor([0, 0.1, 0.5, 1, 0.4], dtype=torch.float64))
    features = torch.stack([angles.cos(), angles.sin()], -1)
    assert cdpruner.most_likely(kernel_of(weights, features), 2)[0].tolist() == [3, 2]


@pytest.mark.parametrize("relevance", ["words", "softened", "none"])
def test_gains_multiply_to_the_determinant(relevance: str) -> None:
    method = cdpruner.Method(budget=0.5, relevance=relevance)
    directions, words = normalize(drawn(), dim=-1), normalize(drawn(3).flip(0), dim=-1)
    kernel = kernel_of(method._weights(directions, words), drawn())
    for n in (1, 4, 8):
        chosen, gains = cdpruner.most_likely(kernel, n)
        assert float(gains.prod()) == pytest.approx(float(torch.linalg.det(kernel[chosen][:, chosen])), rel=1e-6)


def test_each_step_takes_the_largest_determinant() -> None:
    kernel = kernel_of(cdpruner.spread_out(drawn()[:, 0]), drawn())
    chosen = cdpruner.most_likely(kernel, 5)[0].tolist()
    for n in range(5):
        sets = {i: [*chosen[:n], i] for i in range(16) if i not in chosen[:n]}
        assert max(sets, key=lambda i: float(torch.linalg.det(kernel[sets[i]][:, sets[i]]))) == chosen[n]


def test_the_words_decide_which_token_is_relevant() -> None:
    features = torch.eye(4)
    assert reduced(features, 1, text=torch.tensor([[0.0, 0, 2, 1]])) == [2]
    assert reduced(features, 2, text=torch.tensor([[0.0, 0, 2, 1], [0, 0, 0, 1]])) == [2, 3]


@pytest.mark.parametrize("text", [None, torch.ones(2, 4)], ids=["no words", "as relevant"])
def test_ties_go_to_the_earlier(text: Tensor | None) -> None:
    assert reduced(torch.eye(4), 3, text=text) == [0, 1, 2]


def test_a_longer_range_of_relevance_changes_nothing() -> None:
    for scale in (0.1, 7.0):
        assert torch.allclose(cdpruner.spread_out(scale * RAW), cdpruner.spread_out(RAW), atol=1e-4)
    assert reduced(drawn(), 6, text=drawn(3)) == reduced(drawn(), 6, text=5 * drawn(3))


def test_what_adds_nothing_is_filled_up_by_relevance() -> None:
    """Sixteen tokens in two dimensions, and copies of one another: two add something."""
    flat = drawn(16, width=2)
    for features, n_useful in ((flat, 2), (torch.ones(6, 3), 1)):
        method = cdpruner.Method(budget=0.5)
        text = features[-1:] + 0.1
        directions, words = normalize(features.double(), dim=-1), normalize(text.double(), dim=-1)
        weights = method._weights(directions, words)
        first = cdpruner.most_likely(kernel_of(weights, features.double()), 5)[0]
        assert len(first) == n_useful
        others = weights.index_fill(0, first, float("-inf"))
        assert reduced(features, 5, text=text) == sorted([*first.tolist(), *top(others, 5 - n_useful).tolist()])


def test_keeping_all_changes_nothing() -> None:
    assert reduced(FIVE, 5) == [*range(5)]


def test_the_option_is_read_from_a_recipe() -> None:
    assert parse("tokens/cdpruner@10%:relevance=words").text == "tokens/cdpruner@10%"
    assert parse("tokens/cdpruner@10%:relevance=none").parts[0].built.relevance == "none"
