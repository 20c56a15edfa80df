"""GPTQ: better than rounding to nearest on inputs it has not seen, on a grid of sixteen levels a group."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from leanvlm import calibration
from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import fingerprints, is_quantised
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights.gptq import Method
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from tests.methods import saved
from tests.methods.calibrated import compress
from tests.methods.surgeon import hessian, inputs_of, operate

GROUP = 64
Inputs = dict[str, Tensor]


@pytest.fixture(scope="module")
def quantised(random_checkpoint: Path) -> LoadedModel:
    loaded = load_model("llava_onevision", random_checkpoint)
    samples = list(calibration_inputs(loaded, calibration.draw(6, seed=1)))
    state = torch.get_rng_state()
    compress(Method(setting=f"w4a16-g{GROUP}"), loaded, samples)
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"
    return loaded


@pytest.fixture(scope="module")
def unseen(model: LoadedModel) -> Inputs:
    """What enters each linear layer of the untouched model on samples that calibration did not see."""
    seen: dict[str, list[Tensor]] = {}
    hooks = [
        linear.register_forward_pre_hook(lambda _, args, name=name: seen.setdefault(name, []).append(args[0][0]))
        for name, linear in decoder_linears(model.model).items()
    ]
    with torch.no_grad():
        for sample in calibration_inputs(model, calibration.draw(4, seed=2)):
            model.model(**sample)
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(inputs) for name, inputs in seen.items()}


def test_every_layer_errs_less_than_rounding_to_nearest(
    model: LoadedModel, quantised: LoadedModel, unseen: Inputs
) -> None:
    found = decoder_linears(quantised.model)
    worse = []
    for name, linear in decoder_linears(model.model).items():
        exact = unseen[name] @ linear.weight.T
        own = (unseen[name] @ found[name].weight.T - exact).square().sum()
        nearest = (unseen[name] @ _round_to_nearest(linear.weight).T - exact).square().sum()
        if own >= nearest:
            worse.append((name, float(own), float(nearest)))
    assert worse == []


def test_weights_lie_on_a_grid_of_sixteen_levels_per_group(quantised: LoadedModel) -> None:
    for linear in decoder_linears(quantised.model).values():
        scales = linear.weight_scale.repeat_interleave(GROUP, dim=1)
        levels = linear.weight / scales
        assert torch.allclose(levels, levels.round(), atol=1e-4)
        assert levels.round().min() >= -8
        assert levels.round().max() <= 7
        assert linear.weight_scale.shape == (linear.out_features, linear.in_features // GROUP)


def test_only_the_decoders_projections_are_quantised(model: LoadedModel, quantised: LoadedModel) -> None:
    marked = {name for name, part in quantised.model.named_modules() if is_quantised(part)}
    assert marked == set(decoder_linears(quantised.model))
    assert len(marked) == 28
    assert fingerprints(quantised.model) == fingerprints(model.model)


@pytest.mark.parametrize(
    ("is_symmetric", "expected"),
    [
        (False, [[0, -7 / 3, 7 / 3, -7 / 3], [0, 10 / 3, -5 / 3, 10 / 3]]),
        (True, [[0, -8 / 3, 8 / 3, -8 / 3], [0, 8 / 3, 0, 8 / 3]]),
    ],
)
def test_matrices_worked_by_hand(is_symmetric: bool, expected: list[list[float]]) -> None:
    """Two bits, a scale per row; rounding to nearest errs four to six times as much."""
    from compressed_tensors.quantization import QuantizationArgs
    from llmcompressor.modifiers.gptq.gptq_quantize import quantize_weight

    weight = torch.tensor([[1.0, -2, 3, -4], [0.5, 4, -1, 2]])
    inputs = torch.tensor([[1.0, 0, 2, 1], [0, 1, 1, 0], [3, 1, 0, 1], [1, 1, 1, 2]])
    steps = torch.tensor([[8.0], [8]]) / 3 if is_symmetric else torch.tensor([[7.0], [5]]) / 3
    zeros = torch.tensor([[0], [0]]) if is_symmetric else torch.tensor([[0], [-1]])
    arguments = QuantizationArgs(num_bits=2, symmetric=is_symmetric, strategy="channel")
    hessian = 2 * inputs.T @ inputs
    found, _, _ = quantize_weight(weight[None], hessian[None], steps[None], zeros[None], None, arguments)
    torch.testing.assert_close(found[0], torch.tensor(expected))


@pytest.mark.parametrize("setting", ["w4a16-g32", "w4a16-asym-g32"])
def test_equals_the_surgeon_step_by_step(setting: str, tmp_path: Path) -> None:
    saved.save("llava", tmp_path)
    (before, samples), (after, _) = saved.read("llava", tmp_path), saved.read("llava", tmp_path)
    compress(Method(setting=setting), after, samples)
    seen, dense = inputs_of(before.model, samples, within="layers.0."), decoder_linears(before.model)
    for name, inputs in seen.items():
        linear = decoder_linears(after.model)[name]
        scales = linear.weight_scale.detach().double().numpy().repeat(32, axis=1)
        groups = dense[name].weight.detach().unflatten(1, (-1, 32))
        high, low = groups.amax(-1).clamp(min=0), groups.amin(-1).clamp(max=0)
        is_even = setting == "w4a16-g32"
        wanted = groups.abs().amax(-1) / 7.5 if is_even else (high - low) / 15
        torch.testing.assert_close(linear.weight_scale.detach(), wanted)
        zeros = torch.zeros_like(wanted) if is_even else (-8 - low / wanted).round()
        zeros = zeros.double().numpy().repeat(32, axis=1)
        products = hessian(inputs)
        order = (-products.diagonal()).argsort(kind="stable")  # large inputs first, each in its own group's steps
        steps, zeros = scales[:, order], zeros[:, order]
        expected = operate(
            dense[name].weight.detach().double().numpy()[:, order],
            products[order][:, order],
            lambda j, now, steps=steps, zeros=zeros: (
                ((now[:, j] / steps[:, j] + zeros[:, j]).round().clip(-8, 7) - zeros[:, j]) * steps[:, j]
            ),
        )
        found = linear.weight.detach().numpy()[:, order]
        rows = (abs(found - expected) < 1e-4).all(1)  # a weight between two steps may fall on either, and moves others
        assert rows.mean() > 0.9, name
    assert len(seen) == 7


@pytest.mark.parametrize(("setting", "bits"), [("w4a16-g32", 4.5), ("w4a16-g64", 4.25), ("w4a16-g128", 4.125)])
def test_the_budget_counts_scales(setting: str, bits: float) -> None:
    assert Method(setting=setting).budget() == bits / 16


@pytest.mark.parametrize("setting", ["", "w4a16", "w4a16-g16", "w3a16-g128", "W4A16-g128", "50%", "w4a16-g128 "])
def test_a_wrong_setting_is_refused_with_the_allowed_ones(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/gptq has no setting .* w4a16-g32, .*, nvfp4 or mxfp4$"):
        Method(setting=setting)


def test_a_width_that_groups_do_not_divide_is_refused() -> None:
    decoder = nn.Module()
    decoder.language_model = nn.Module()
    decoder.language_model.layers = nn.ModuleList([nn.ModuleDict({"up_proj": nn.Linear(96, 8)})])
    with pytest.raises(InputError, match=r"layers\.0\.up_proj has 96 inputs"):
        Method(setting="w4a16-g128").refuse_widths(decoder)


def _round_to_nearest(weight: Tensor) -> Tensor:
    groups = weight.detach().unflatten(1, (-1, GROUP))
    scales = groups.abs().amax(-1, keepdim=True) * 2 / 15
    return ((groups / scales).round().clamp(-8, 7) * scales).flatten(1)
