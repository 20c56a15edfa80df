"""Rounding to nearest, against four lines of arithmetic; and what is quantised computes with rounded inputs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from leanvlm.errors import InputError
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights.rtn import Method
from tests.methods import saved
from tests.methods.calibrated import compress

SETTINGS = ["w4a16-g32", "w4a16-g64", "w4a16-asym-g32", "w8a8", "fp8"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rtn")
    saved.save("llava", folder)
    return folder


@cache
def rounded(source: Path, setting: str) -> Any:
    folder = source / setting
    folder.mkdir()
    return saved.compressed("llava", source, folder, Method(setting=setting)).model


@pytest.mark.parametrize("setting", SETTINGS)
def test_equals_arithmetic(source: Path, setting: str) -> None:
    found = decoder_linears(rounded(source, setting))
    for name, linear in decoder_linears(saved.read("llava", source)[0].model).items():
        group = int(setting.partition("-g")[2] or linear.in_features)
        values = linear.weight.detach().unflatten(1, (-1, group))
        assert torch.equal(found[name].weight, nearest(values, setting).flatten(1)), name


def nearest(values: Tensor, setting: str) -> Tensor:
    """Round to multiples of a scale in bfloat16, along the last axis."""
    if "asym" in setting:
        low, high = values.amin(-1, keepdim=True).clamp(max=0), values.amax(-1, keepdim=True).clamp(min=0)
        zero = (-low / ((high - low) / 15)).round() - 8
        scales = ((high - low) / 15).bfloat16().float()
        return ((values / scales + zero).round().clamp(-8, 7) - zero) * scales
    largest = {"fp8": 448, "w8a8": 127.5}.get(setting, 7.5)
    scales = (values.abs().amax(-1, keepdim=True) / largest).bfloat16().float()
    if setting == "fp8":
        return (values / scales).clamp(-448, 448).to(torch.float8_e4m3fn).float() * scales
    return (values / scales).round().clamp(-largest - 0.5, largest - 0.5) * scales


@pytest.mark.parametrize("setting", SETTINGS)
def test_inputs_are_rounded_where_the_setting_says_so(source: Path, setting: str) -> None:
    linear = next(iter(decoder_linears(rounded(source, setting)).values()))
    inputs = torch.randn(1, 5, linear.in_features, generator=torch.Generator().manual_seed(0))
    largest = {"fp8": 448, "w8a8": 127.5}.get(setting)
    entered = inputs
    if largest:
        scales = inputs.abs().amax(-1, keepdim=True) / largest
        levels = inputs / scales
        entered = scales * (
            levels.to(torch.float8_e4m3fn).float() if setting == "fp8" else levels.round().clamp(max=127)
        )
    bias = 0 if linear.bias is None else linear.bias
    torch.testing.assert_close(linear(inputs), entered @ linear.weight.T + bias)
    assert torch.equal(entered, inputs) == setting.startswith("w4a16")


@pytest.mark.parametrize("setting", ["w4a16-g32", "w4a16-asym-g32", "w8a8", "fp8"])
def test_a_zero_stays_a_zero(source: Path, setting: str) -> None:
    model, samples = saved.read("llava", source)
    for linear in decoder_linears(model.model).values():
        linear.weight.data[:, 1::2] = 0
    compress(Method(setting=setting), model, samples)
    for linear in decoder_linears(model.model).values():
        assert not linear.weight[:, 1::2].any()
        assert linear.weight[:, ::2].any()


@pytest.mark.parametrize(
    ("setting", "bits", "bits_of_128"),
    [
        ("w4a16-g32", 4.5, 4.5),
        ("w4a16-g128", 4.125, 4.125),
        ("w4a16-asym-g128", 4.15625, 4.15625),
        ("w8a8", 8, 8.125),
        ("fp8", 8, 8.125),
    ],
)
def test_the_budget_counts_scales(setting: str, bits: float, bits_of_128: float) -> None:
    assert Method(setting=setting).budget() == bits / 16
    assert Method(setting=setting).budget_of(128) == bits_of_128 / 16


@pytest.mark.parametrize("setting", ["", "w4a16", "w8a8-g32", "fp4", "W8A8", "50%"])
def test_a_wrong_setting_is_refused_with_the_allowed_ones(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/rtn has no setting .* w4a16-g128, .*, mxfp4, w8a8 or fp8$"):
        Method(setting=setting)
