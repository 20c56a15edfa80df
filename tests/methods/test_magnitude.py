"""Magnitude: an example worked by hand, PyTorch's own pruning, and a slow loop over fours."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from leanvlm.methods.weights._audit import fingerprints
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights.magnitude import Method
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from tests.methods.calibrated import compress

WEIGHT = torch.tensor([[1.0, -2, 3, -4], [0.5, 4, -1, 2]])


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("50%", [[0.0, 0, 3, -4], [0, 4, 0, 2]]),  # the two that tie at 2: the earlier goes, and no fifth
        ("25%", [[0.0, 0, 0, -4], [0, 4, 0, 0]]),
        ("2:4", [[0.0, 0, 3, -4], [0, 4, 0, 2]]),
        ("100%", [[1.0, -2, 3, -4], [0.5, 4, -1, 2]]),
    ],
)
def test_example_worked_by_hand(setting: str, expected: list[list[float]]) -> None:
    pruned = WEIGHT.masked_fill(Method(setting=setting).is_pruned(WEIGHT.abs()), 0)
    assert torch.equal(pruned, torch.tensor(expected))


def test_a_whole_layer_is_compared_where_wanda_compares_a_row() -> None:
    scores = torch.tensor([[1.0, 2], [3, 4]])
    assert Method(setting="50%").is_pruned(scores).tolist() == [[True, True], [False, False]]


def test_equals_pytorchs_own_pruning_and_touches_nothing_else(model: LoadedModel, random_checkpoint: Path) -> None:
    loaded = load_model("llava_onevision", random_checkpoint)
    compress(Method(setting="30%"), loaded, [])
    found = decoder_linears(loaded.model)
    for name, linear in decoder_linears(model.model).items():
        expected = nn.Linear(linear.in_features, linear.out_features)
        expected.weight.data.copy_(linear.weight)
        prune.l1_unstructured(expected, "weight", amount=int(linear.weight.numel() * 0.7))
        assert torch.equal(found[name].weight, expected.weight), name
    assert fingerprints(loaded.model) == fingerprints(model.model)


def test_two_of_each_four_go() -> None:
    weight = torch.randn(6, 32, generator=torch.Generator().manual_seed(0))
    is_pruned = Method(setting="2:4").is_pruned(weight.abs())
    for row, marks in zip(weight.tolist(), is_pruned.tolist(), strict=True):
        for start in range(0, 32, 4):
            four = sorted(range(start, start + 4), key=lambda place: abs(row[place]))
            assert [place for place in range(start, start + 4) if marks[place]] == sorted(four[:2])
