"""Every architecture is pruned to exact counts, and Wanda errs less than magnitude on prompts it has not seen."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanvlm.methods.weights._audit import fingerprints
from leanvlm.methods.weights._layers import decoder_layers, decoder_linears
from leanvlm.methods.weights._samples import Samples
from leanvlm.recipes import parse
from tests.methods.calibrated import compress, decoder_of, samples_of
from tests.models import tiny

EVEN = ("weights/magnitude", "weights/wanda")
UNEVEN = ("weights/owl", "weights/ecoflap")


@pytest.fixture(scope="module", params=list(tiny.BUILDERS))
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def compressed(architecture: str, recipe: str, *prompts: str) -> Any:
    model = tiny.build(architecture)
    method = parse(recipe).parts[0].built
    compress(method, model, samples_of(model, *prompts))
    return model


def kept(model: Any) -> dict[str, int]:
    return {name: int(part.weight.count_nonzero()) for name, part in decoder_linears(model.model).items()}


@pytest.mark.parametrize("recipe", [f"{method}@{setting}" for method in EVEN for setting in ("80%", "50%", "2:4")])
def test_every_layer_keeps_what_is_asked_and_nothing_else_is_touched(architecture: str, recipe: str) -> None:
    before, after = tiny.build(architecture), compressed(architecture, recipe)
    share = 0.8 if "80%" in recipe else 0.5
    for name, part in decoder_linears(before.model).items():
        rows, inputs = part.weight.shape if "wanda" in recipe else (1, part.weight.numel())
        assert kept(after)[name] == rows * (inputs - int(inputs * (1 - share) + 1e-9)), name
    assert len(kept(after)) == tiny.N_LINEARS.get(architecture, 4 * 7)
    assert fingerprints(after.model) == fingerprints(before.model)


@pytest.mark.parametrize("method", UNEVEN)
def test_all_layers_together_keep_what_is_asked(architecture: str, method: str) -> None:
    before, after = tiny.build(architecture), compressed(architecture, f"{method}@37%", "one")
    total = sum(part.weight.numel() for part in decoder_linears(before.model).values())
    assert sum(kept(after).values()) == total - total * 63 // 100
    by_layer = [sum(n for name, n in kept(after).items() if name.startswith(f"{layer}.")) for layer in layers(after)]
    assert len(set(by_layer)) > 1
    for part in decoder_linears(after.model).values():
        rows = part.weight.count_nonzero(dim=1)
        assert int(rows.max() - rows.min()) <= 1
    assert fingerprints(after.model) == fingerprints(before.model)


def layers(model: Any) -> list[str]:
    return list(decoder_layers(model.model))


@pytest.mark.parametrize("tokens", ["all", "text"])
def test_norms_are_those_of_what_enters_the_whole_model(architecture: str, tokens: str) -> None:
    """Also where a model adds something between layers (Qwen3-VL)."""
    model = tiny.build(architecture)
    samples = samples_of(model)
    seen = inputs_of(model, samples)
    for block in decoder_of(model, samples).look():
        for name, norms in block.input_norms(tokens=tokens).items():
            counts_all = tokens == "all" or "cross_attn.k" in name or "cross_attn.v" in name  # which get no words
            pairs = zip(seen[name], samples, strict=True)
            rows = [x if counts_all else x[~sample.is_visual] for x, sample in pairs]
            torch.testing.assert_close(norms, torch.cat(rows).norm(dim=0), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def inputs_of(model: Any, samples: Samples) -> dict[str, list[Tensor]]:
    """Note what enters each linear layer of the untouched model, (T, inputs) per sample."""
    seen: dict[str, list[Tensor]] = {}
    hooks = [
        part.register_forward_pre_hook(
            lambda _, args, name=name: seen.setdefault(name, []).append(args[0].flatten(0, -2))
        )
        for name, part in decoder_linears(model.model).items()
    ]
    for sample in samples:
        model.model(**sample)
    for hook in hooks:
        hook.remove()
    return seen


def test_wanda_errs_less_than_magnitude_where_inputs_differ_in_size(architecture: str) -> None:
    """On a prompt that it has not seen, in the linear layers that stand behind a norm, mostly five."""
    dense, errors = uneven(tiny.build(architecture)), {}
    seen = inputs_of(dense, samples_of(dense, "one"))
    for recipe in EVEN:
        after = uneven(tiny.build(architecture))
        compress(parse(f"{recipe}@50%").parts[0].built, after, samples_of(after, "two"))
        pruned = decoder_linears(after.model)
        errors[recipe] = {
            name: error(part, pruned[name], seen[name][0])
            for name, part in decoder_linears(dense.model).items()
            if not name.endswith(("o_proj", "down_proj", "out_proj", "w2", "cross_attn.k_proj", "cross_attn.v_proj"))
        }
    assert [name for name, own in errors["weights/wanda"].items() if own >= errors["weights/magnitude"][name]] == []
    assert len(errors["weights/wanda"]) == (16 if architecture in ("lfm2_vl", "mllama") else 4 * 5)


@torch.no_grad()
def uneven(model: Any) -> Any:
    """Let norms make some channels larger than others, as those of trained models do."""
    lots = torch.Generator().manual_seed(0)
    for name, weight in model.text.named_parameters():
        if name.endswith(("layernorm.weight", "operator_norm.weight", "ffn_norm.weight")):
            weight.add_(torch.randn(len(weight), generator=lots).exp())
    return model


@torch.no_grad()
def error(dense: nn.Linear, pruned: nn.Linear, inputs: Tensor) -> float:
    return float((inputs @ (dense.weight - pruned.weight).T).square().sum())
