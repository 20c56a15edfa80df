"""Four-bit floats: the published tables of values, a slow reference, and the bytes on disk read with numpy alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from leanvlm.methods.weights._formats import FP4
from leanvlm.methods.weights._grids import grid, nearest, overall
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights.gptq import Method as Gptq
from leanvlm.methods.weights.rtn import Method
from tests.methods import saved
from tests.methods.calibrated import compress
from tests.methods.surgeon import inputs_of

Matrix = NDArray[np.float64]
VALUES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])  # of e2m1, by their three low bits
SHARED = {"k_proj": "q_proj", "v_proj": "q_proj", "up_proj": "gate_proj"}  # get the same inputs


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fp4")
    saved.save("llava", folder)
    return folder


@cache
def rounded(source: Path, setting: str) -> Any:
    folder = source / setting
    folder.mkdir()
    return saved.compressed("llava", source, folder, Method(setting=setting)).model


def back(row: list[float], setting: str) -> list[float]:
    """Round one row of one group or more."""
    form, weight = FP4[setting], torch.tensor([row])
    found = grid(weight, form, over=overall([weight]) if form.is_two_level else None)
    return nearest(weight, found, form)[0].tolist()


@pytest.mark.parametrize(
    ("largest", "given_back"),
    [(6, 6), (6.9, 6), (7, 8), (8, 8), (3, 3), (3.5, 4), (1, 1), (0.9, 1)],
)
def test_the_largest_weight_of_a_group_of_mxfp4(largest: float, given_back: float) -> None:
    assert back([largest] + [0.0] * 31, "mxfp4a16")[0] == given_back
    assert back([0.0] * 32 + [-largest] + [0.0] * 31, "mxfp4a16")[32] == -given_back


@pytest.mark.parametrize("ties", [[0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 6]])
def test_ties_go_to_the_even_mantissa(ties: list[float]) -> None:
    found = back(ties + [-one for one in ties] + [0.0] * 16, "mxfp4a16")
    assert found[:8] == [0, 1, 1, 2, 2, 4, 4, 6]
    assert found[8:16] == [-one for one in found[:8]]


def test_two_groups_of_nvfp4_worked_by_hand() -> None:
    """Scales of 448 and 56 over 448: every value is a multiple of half of one and of an eighth."""
    found = back([round(0.1 * n, 1) for n in range(1, 16)] + [6.0] + [0.05 * n for n in range(16)], "nvfp4a16")
    assert found[:16] == [0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1, 1, 1.5, 1.5, 1.5, 6]
    assert found[16:] == [0, 0.0625, 0.125, 0.125, 0.1875, 0.25, 0.25, 0.375, 0.375, 0.5, 0.5, 0.5, 0.5, *[0.75] * 3]


@pytest.mark.parametrize(("largest", "given_back"), [(12, 12), (6, 6), (3.06, 3), (2.94, 0)])
def test_a_group_of_nvfp4_is_lost_where_its_scale_is_less_than_half_the_smallest(
    largest: float, given_back: float
) -> None:
    """Which is 2^-9, as 448 sixes beside it make the scale of scales 1. In such steps, 3 is the halfway."""
    step = 2.0**-9
    assert back([448 * 6.0] + [0.0] * 15 + [largest * step] + [0.0] * 15, "nvfp4a16")[16] == given_back * step


@pytest.mark.parametrize("setting", ["nvfp4a16", "mxfp4a16"])
def test_the_bytes_on_disk_read_by_hand_are_the_weights_that_are_loaded(source: Path, setting: str) -> None:
    network = rounded(source, setting)
    stored = {
        name.rpartition("layers.")[2]: value
        for name, value in load_file(next((source / setting).glob("*.safe*"))).items()
    }
    for name, linear in decoder_linears(network).items():
        key = name.rpartition("layers.")[2]
        packed = stored[f"{key}.weight_packed"].numpy()
        codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(len(packed), -1)
        values = VALUES[codes & 7] * np.where(codes & 8, -1, 1)
        scales = stored[f"{key}.weight_scale"]
        if setting == "nvfp4a16":
            steps = scales.float().numpy() / stored[f"{key}.weight_global_scale"].numpy()  # in 32 bits
        else:
            steps = 2.0 ** (scales.numpy().astype(int) - 127)
        expected = values * steps.repeat(values.shape[1] // steps.shape[1], axis=1)
        assert torch.equal(linear.weight.detach(), torch.tensor(expected, dtype=torch.float32).bfloat16().float()), name
    (group,) = json.loads((source / setting / "config.json").read_text())["quantization_config"][
        "config_groups"
    ].values()
    assert group["format"] == f"{setting.removesuffix('a16')}-pack-quantized"


@pytest.mark.parametrize("setting", ["nvfp4a16", "mxfp4a16"])
def test_weights_are_the_nearest_values_of_a_slow_search(source: Path, setting: str) -> None:
    dense, found = decoder_linears(saved.read("llava", source)[0].model), decoder_linears(rounded(source, setting))
    weights = {name: linear.weight.detach().double().numpy() for name, linear in dense.items()}
    for name, weight in weights.items():
        place, _, own = name.rpartition(".")
        leader = SHARED.get(own, own)
        together = [w for other, w in weights.items() if other.rpartition(".")[0] == place
                    and SHARED.get(other.rpartition(".")[2], other.rpartition(".")[2]) == leader]  # fmt: skip
        expected = slowly(weight, setting, max(abs(one).max() for one in together))
        is_close = np.isclose(found[name].weight.detach().numpy(), expected, rtol=2**-8)
        assert is_close.mean() > 0.98, f"{name}: more than those whose scale lies between two values of eight bits"


def slowly(weight: Matrix, setting: str, largest: float) -> Matrix:
    groups = weight.reshape(len(weight), -1, 16 if setting == "nvfp4a16" else 32)
    most = abs(groups).max(-1, keepdims=True)
    if setting == "nvfp4a16":
        over = 448 * 6 / largest
        steps = torch.tensor(most / 6 * over).float().to(torch.float8_e4m3fn).double().numpy() / over
    else:
        exponent = np.floor(np.log2(most))
        exponent += most >= 1.75 * 2**exponent  # what would round to the next power of two has that
        steps = 2.0 ** (exponent - 2)
    even_first = VALUES[[0, 2, 4, 6, 1, 3, 5, 7]]  # whose low bit is none: they win ties
    distances = abs(abs(groups / steps)[..., None] - even_first)
    return (np.sign(groups) * even_first[distances.argmin(-1)] * steps).reshape(weight.shape)


@pytest.mark.parametrize("setting", ["mxfp4a16", "nvfp4a16"])
def test_what_is_rounded_stays_as_it_is(setting: str) -> None:
    weight = torch.randn(8, 64, generator=torch.Generator().manual_seed(0))
    weight[0, :32] = 0  # a group of zeros has a scale too
    form = FP4[setting]
    once = again = weight
    for _ in range(2):
        once, again = (
            again,
            nearest(again, grid(again, form, over=overall([weight]) if form.is_two_level else None), form),
        )
    if setting == "mxfp4a16":
        assert torch.equal(again, once)
    assert again.isfinite().all()
    assert not again[0, :32].any()
    assert not torch.equal(once, weight)


@pytest.mark.parametrize("setting", ["nvfp4", "mxfp4"])
def test_inputs_are_rounded_to_the_same_format(source: Path, setting: str) -> None:
    network = rounded(source, setting)
    (model, samples) = saved.read("llava", source)
    name, linear = next(iter(decoder_linears(network).items()))
    inputs = torch.randn(1, 5, linear.in_features, generator=torch.Generator().manual_seed(0))
    weight, largest = (
        f"{setting}a16",
        float(abs(inputs_of(model.model, samples, within="layers.0.self_attn.q")[name]).max()),
    )
    entered = slowly(inputs[0].double().numpy(), weight, largest)
    expected = torch.tensor(entered).float() @ linear.weight.T + (0 if linear.bias is None else linear.bias)
    torch.testing.assert_close(linear(inputs)[0], expected, rtol=1e-4, atol=1e-4)
    if setting == "nvfp4":
        assert float(linear.input_global_scale) == pytest.approx(448 * 6 / largest)


@pytest.mark.parametrize("setting", ["nvfp4a16", "mxfp4a16"])
def test_gptq_errs_less_than_rounding_to_nearest(source: Path, setting: str) -> None:
    (dense, samples), (after, _) = saved.read("llava", source), saved.read("llava", source)
    compress(Gptq(setting=setting), after, samples)
    weights, found, plain = map(decoder_linears, (dense.model, after.model, rounded(source, setting)))
    for name, inputs in inputs_of(dense.model, samples, within="layers.0.").items():
        entered = torch.tensor(inputs).float()
        errors = [(entered @ (one[name].weight - weights[name].weight).T).square().sum() for one in (found, plain)]
        assert errors[0] < errors[1], name
        steps = found[name].weight_scale / getattr(found[name], "weight_global_scale", torch.ones(1))
        levels = (found[name].weight / steps.repeat_interleave(FP4[setting].group_size or 0, dim=1)).abs()
        assert (levels[..., None] - torch.tensor(VALUES)).abs().amin(-1).max() < 0.03, "off the format's values"


@pytest.mark.parametrize("kind", [Method, Gptq])
@pytest.mark.parametrize(("setting", "bits"), [("nvfp4a16", 4.5), ("nvfp4", 4.5), ("mxfp4a16", 4.25), ("mxfp4", 4.25)])
def test_the_budget_counts_scales_of_eight_bits(kind: Any, setting: str, bits: float) -> None:
    assert kind(setting=setting).budget() == bits / 16
    assert kind(setting=setting).together == (16 if setting.startswith("nv") else 32)


def test_a_zero_stays_a_zero(source: Path) -> None:
    for setting in ("nvfp4a16", "mxfp4"):
        model, samples = saved.read("llava", source)
        for linear in decoder_linears(model.model).values():
            linear.weight.data[:, 1::2] = 0
            linear.weight.data[0, :32] = 0
        compress(Method(setting=setting), model, samples)
        for linear in decoder_linears(model.model).values():
            weight: Tensor = linear.weight
            assert not weight[:, 1::2].any()
            assert not weight[0, :32].any()
            assert weight[:, ::2].any()
