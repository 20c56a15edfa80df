"""GPTQ: better than rounding to nearest on inputs it has not seen, on a grid of sixteen levels a group."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from leanvlm import calibration
from leanvlm.errors import InputError
from leanvlm.methods._audit import fingerprints, is_quantised
from leanvlm.methods._weights import decoder_linears
from leanvlm.methods.weights.gptq import Method
from leanvlm.models._model import LoadedModel, load_model

GROUP = 64
Inputs = dict[str, Tensor]


@pytest.fixture(scope="module")
def quantised(random_checkpoint: Path) -> LoadedModel:
    loaded = load_model("llava_onevision", random_checkpoint)
    samples = calibration.inputs(loaded, calibration.draw(6, seed=1))
    state = torch.get_rng_state()
    Method(setting=f"w4a16-g{GROUP}").compress(loaded.model, samples, processor=loaded.processor)
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
        for sample in calibration.inputs(model, calibration.draw(4, seed=2)):
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


@pytest.mark.parametrize(("setting", "bits"), [("w4a16-g32", 4.5), ("w4a16-g64", 4.25), ("w4a16-g128", 4.125)])
def test_the_budget_counts_scales(setting: str, bits: float) -> None:
    assert Method(setting=setting).budget() == bits / 16


@pytest.mark.parametrize("setting", ["", "w4a16", "w4a16-g16", "w3a16-g128", "W4A16-g128", "50%", "w4a16-g128 "])
def test_a_wrong_setting_is_refused_with_the_allowed_ones(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/gptq has no setting .* w4a16-g32, w4a16-g64 or w4a16-g128$"):
        Method(setting=setting)


def test_a_width_that_groups_do_not_divide_is_refused(model: LoadedModel) -> None:
    decoder = nn.Module()
    decoder.language_model = nn.Module()
    decoder.language_model.layers = nn.ModuleList([nn.ModuleDict({"up_proj": nn.Linear(96, 8)})])
    with pytest.raises(InputError, match=r"layers\.0\.up_proj has 96 inputs"):
        Method(setting="w4a16-g128").compress(decoder, [], processor=model.processor)


def test_samples_with_and_without_pictures_are_not_mixed(model: LoadedModel) -> None:
    (seen,) = calibration.inputs(model, calibration.draw(1, seed=1))
    blind = model.inputs([], "what is the total?")
    with pytest.raises(InputError, match="samples must be of one kind"):
        Method(setting="w4a16-g128").compress(model.model, [seen, blind], processor=model.processor)


def _round_to_nearest(weight: Tensor) -> Tensor:
    groups = weight.detach().unflatten(1, (-1, GROUP))
    scales = groups.abs().amax(-1, keepdim=True) * 2 / 15
    return ((groups / scales).round().clamp(-8, 7) * scales).flatten(1)
