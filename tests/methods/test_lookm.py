"""LOOK-M: selection on the ten-token fixture, merging by hand, and against a plain loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from leanvlm.engine.attention.recorders import column_sums
from leanvlm.engine.attention.recording import AttentionCall
from leanvlm.errors import InputError
from leanvlm.methods._method import top
from leanvlm.methods._signals import Signals
from leanvlm.methods.cache.lookm import Method
from tests.methods.fixtures import signals

MERGED = {
    "pivotal": ([[1.5, 0.25], [0.05, 1]], [7.3333, 15.5]),
    "averaged": ([[2, 0.5], [0.1, 1]], [4.6667, 11]),
    "weighted": ([[1.9288, 0.4779], [0.0981, 0.9903]], [4.6054, 10.9806]),
}


def of_keys(keys: list[list[float]], visual: tuple[int, ...] = ()) -> Signals:
    """Let queries be zero, so that attention is uniform."""
    key = torch.tensor(keys)[None, None]
    call = AttentionCall(torch.zeros_like(key), key, 1.0, None, None)
    is_visual = torch.zeros(len(keys), dtype=torch.bool)
    is_visual[list(visual)] = True
    return Signals(key, call.query, column_sums(call), is_visual, 1.0, 0, 1, torch.Generator())


def of_values(values: list[float]) -> Tensor:
    return torch.tensor(values)[None, None, :, None]


@pytest.mark.parametrize(
    ("budget", "kept"),
    [
        (0.3, [[0, 1, 9], [0, 7, 9]]),  # no room for all text: the code would keep all five
        (0.5, [[0, 1, 7, 8, 9]] * 2),
        (0.7, [[0, 1, 2, 5, 7, 8, 9], [0, 1, 2, 3, 7, 8, 9]]),
    ],
)
def test_text_stays_before_pictures(budget: float, kept: list[list[int]]) -> None:
    given = signals(visual=(2, 3, 4, 5, 6))
    method = Method(budget=budget, recent_share=0.1)
    (n,) = method.allocate([given])
    assert top(method.score(given, n), n)[0].tolist() == kept


@pytest.mark.parametrize("merge", MERGED)
def test_merging_by_hand(merge: str) -> None:
    given = of_keys([[1, 0], [0, 1], [2, 0.5], [0.2, 1], [3, 1]])
    places = torch.tensor([[[0, 1]]])
    keys, values = Method(budget=0.4, merge=merge).store(given, of_values([10.0, 20.0, 1.0, 2.0, 3.0]), places)
    expected_keys, expected_values = MERGED[merge]
    assert torch.allclose(keys[0, 0], torch.tensor(expected_keys), atol=1e-4)
    assert values[0, 0, :, 0].tolist() == pytest.approx(expected_values, abs=1e-4)


def test_eight_tokens_end_to_end() -> None:
    rows = [[1, 0], [0, 1], [2, 0.5], [0.2, 1], [3, 1], [-1, 0.2], [0, -1], [1, 1]]
    given = of_keys(rows, visual=(2, 3, 4, 5))
    method = Method(budget=0.5, recent_share=0.25)
    places = top(method.score(given, 4), 4)
    assert places[0, 0].tolist() == [0, 1, 6, 7]
    keys, values = method.store(given, of_values([10.0 * j for j in range(8)]), places)
    expected = torch.tensor([[1.5, 0.25], [-0.13333, 0.86667], [0, -1], [1, 1]])
    assert torch.allclose(keys[0, 0], expected, atol=1e-4)
    assert values[0, 0, :, 0].tolist() == pytest.approx([10, 20, 60, 70])


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("merge", MERGED)
def test_equals_a_plain_loop(merge: str, same: bool) -> None:
    torch.manual_seed(0)
    key, value = torch.randn(1, 2, 300, 8), torch.randn(1, 2, 300, 8)
    is_visual = torch.arange(300) % 300 >= 40
    given = Signals(key, key, None, is_visual, 1.0, 0, 1, torch.Generator())
    places = torch.stack([torch.randperm(300)[:50].sort().values for _ in range(2)])[None]
    found = Method(budget=0.5, merge=merge, same_modality=same).store(given, value, places)
    for states, ours in zip((key, value), found, strict=True):
        assert torch.allclose(ours, slowly_merged(key, states, places, is_visual, merge, same), atol=1e-5)


def slowly_merged(key: Tensor, states: Tensor, places: Tensor, is_visual: Tensor, merge: str, same: bool) -> Tensor:
    out = torch.empty(1, 2, places.shape[-1], 8)
    for head in range(2):
        kept = places[0, head].tolist()
        members: dict[int, list[tuple[float, int]]] = {c: [] for c in kept}
        for p in set(range(300)) - set(kept):
            allowed = [c for c in kept if not same or is_visual[c] == is_visual[p]]
            likeness = [float(torch.cosine_similarity(key[0, head, p], key[0, head, c], dim=0)) for c in allowed]
            best = max(range(len(allowed)), key=likeness.__getitem__)
            members[allowed[best]].append((likeness[best], p))
        for i, c in enumerate(kept):
            own, total = states[0, head, c], states[0, head, c].clone()
            for cosine, p in members[c]:
                other = states[0, head, p]
                total += {"pivotal": (other + own) / 2, "averaged": other, "weighted": cosine * other}[merge]
            out[0, head, i] = total / (len(members[c]) + 1)
    return out


def test_an_unknown_merge_is_refused() -> None:
    with pytest.raises(InputError, match="it has pivotal, averaged, weighted, none"):
        Method(budget=0.5, merge="sum")
