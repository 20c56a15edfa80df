"""OWL: shares worked by hand, outliers counted slowly, and a layer without outliers keeps least."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from leanvlm.errors import InputError
from leanvlm.methods.weights._layers import decoder_layers, decoder_linears
from leanvlm.methods.weights.owl import Method, outlier_share
from leanvlm.recipes import parse
from tests.methods.calibrated import compress, decoder_of, samples_of
from tests.models import tiny


@pytest.fixture
def model() -> Any:
    return tiny.build("llava")


@pytest.mark.parametrize(
    ("setting", "sizes", "expected"),
    [
        ("50%", (100, 100, 100), (0.42, 0.58, 0.50)),
        ("50%", (100, 300, 100), (0.388, 0.548, 0.468)),  # the mean is over weights: 38.8 + 164.4 + 46.8 = 250
        ("95%", (100, 100, 100), (0.90, 1.00, 0.95)),  # 1.03 would be more than all
        ("5%", (100, 100, 100), (0.00, 0.10, 0.05)),
        ("100%", (100, 100, 100), (1, 1, 1)),
    ],
)
def test_shares_worked_by_hand(setting: str, sizes: tuple[int, ...], expected: tuple[float, ...]) -> None:
    outliers = [Fraction(1, 100), Fraction(3, 100), Fraction(2, 100)]
    shares = Method(setting=setting).shares(outliers, sizes)
    assert [float(share) for share in shares] == pytest.approx(expected)
    asked = Method(setting=setting).share()
    assert sum(n * share for n, share in zip(sizes, shares, strict=True)) == sum(sizes) * asked


def test_layers_alike_keep_alike() -> None:
    assert Method(setting="50%").shares([Fraction(1, 9)] * 2, [10, 30]) == [Fraction(1, 2)] * 2


def test_an_outlier_is_m_times_the_mean() -> None:
    scores = torch.tensor([1.0, 1, 1, 1, 1, 1, 1, 1, 1, 11])  # mean 2
    assert outlier_share(scores, 5) == Fraction(1, 10)
    assert outlier_share(scores, 6) == 0


def test_outliers_are_those_of_the_whole_model_counted_slowly(model: Any) -> None:
    samples, seen = samples_of(model), {}
    for name, linear in decoder_linears(model.model).items():
        seen[name] = rows = []
        linear.register_forward_pre_hook(lambda _, args, rows=rows: rows.append(args[0][0].numpy()))
    with torch.no_grad():
        for sample in samples:
            model.model(**sample)
    expected = []
    for layer in decoder_layers(model.model):
        own = {name: part for name, part in decoder_linears(model.model).items() if name.startswith(f"{layer}.")}
        norms = {name: np.sqrt((np.concatenate(seen[name]) ** 2).sum(0)) for name in own}
        scores = [(np.abs(part.weight.detach().numpy()) * norms[name]).ravel() for name, part in own.items()]
        together = np.concatenate(scores)
        expected.append((together > 3 * together.mean()).mean())
    found = Method(setting="50%", m=3.0).outliers(decoder_of(model, samples))
    assert [float(share) for share in found] == pytest.approx(expected, abs=1e-4)  # at most 3 of 32,768 tie
    assert len(set(found)) == 4


@torch.no_grad()
def test_a_layer_without_outliers_keeps_least(model: Any) -> None:
    layers = list(decoder_layers(model.model))
    linears = decoder_linears(model.model)
    for name, linear in linears.items():
        if name.startswith(f"{layers[2]}."):
            linear.weight.copy_(linear.weight.sign() * linear.weight.std())
    compress(Method(setting="50%", m=2.0), model, samples_of(model))
    kept = [sum(int(linears[name].weight.count_nonzero()) for name in linears if layer in name) for layer in layers]
    assert min(kept) == kept[2]
    assert max(kept) - min(kept) == pytest.approx(0.16 * sum(kept) / 2, rel=1e-3)


def test_2_of_4_leaves_nothing_to_share_out() -> None:
    with pytest.raises(
        InputError, match=r"weights/owl has no setting '2:4'; it takes .* 2:4 keeps half of every layer"
    ):
        Method(setting="2:4")


def test_the_recipes_options_have_the_papers_names() -> None:
    assert parse("weights/owl@50%:m=7,lam=0.1").text == "weights/owl@50%:lam=0.1,m=7.0"
