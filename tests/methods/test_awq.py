"""AWQ: scales found by a slow search, an example worked by hand, and less error than rounding to nearest alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.methods.weights import rtn
from leanvlm.methods.weights._audit import fingerprints
from leanvlm.methods.weights._clipping import clipped
from leanvlm.methods.weights._formats import Format
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights._pairs import pairs
from leanvlm.methods.weights.awq import Method
from tests.methods import saved
from tests.methods.calibrated import compress
from tests.methods.surgeon import inputs_of

GROUP = 32
Rounding = Callable[[Tensor], Tensor]
LOSSES = [25.6406, 22.5444, 22.9993, 17.4071, 24.0863, 19.1846, 24.2993, 16.2802, 12.8869, 10.2427, 8.2157,
          6.6989, 5.6073, 4.8754, 2.8319, 3.1641, 3.8166, 4.7856, 6.0796, 7.7196]  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("awq")
    saved.save("llava", folder)
    return folder


@torch.no_grad()
def search(
    linears: list[nn.Linear], seen: Tensor, exponents: list[float], *, weights: bool, rounded: Rounding, run: Any
) -> tuple[list[float], list[Tensor]]:
    """Try each exponent: the loss of `run`'s output and the scales that it takes."""
    size, exact, originals = seen.abs().mean(0), run(), [linear.weight.clone() for linear in linears]
    losses, tried = [], []
    for exponent in exponents:
        scales = size**exponent
        if weights:
            stacked = torch.cat([value.abs().unflatten(1, (-1, GROUP)) for value in originals])
            share = (stacked / (stacked.amax(-1, keepdim=True) + 1e-6)).flatten(1).mean(0)
            scales = scales / (share ** (1 - exponent) + 1e-4)
        scales = scales / (scales.max() * scales.min()).sqrt()
        for linear, value in zip(linears, originals, strict=True):
            linear.weight.copy_(rounded(value * scales) / scales)
        losses.append(float((run() - exact).square().mean()))
        tried.append(scales)
        for linear, value in zip(linears, originals, strict=True):
            linear.weight.copy_(value)
    return losses, tried


def test_the_slow_search_finds_the_example_worked_by_hand() -> None:
    linear = nn.Linear(4, 2, bias=False)
    linear.weight.data = torch.tensor([[1.0, -2, 3, -4], [0.5, 4, -1, 2]])
    inputs = torch.tensor([[1.0, 0, 2, 1], [0, 1, 1, 0], [3, 1, 0, 1], [1, 1, 1, 2]]) * torch.tensor([1, 8, 1, 0.25])

    def two_bits(values: Tensor) -> Tensor:
        low, high = values.aminmax(dim=1, keepdim=True)
        step = (high - low) / 3
        zero = (-low / step).round()
        return ((values / step).round() + zero).clamp(0, 3).sub(zero) * step

    exponents = [i / 20 for i in range(20)]
    losses, scales = search([linear], inputs, exponents, weights=False, rounded=two_bits, run=lambda: linear(inputs))
    assert losses == pytest.approx(LOSSES, abs=1e-4)
    torch.testing.assert_close(scales[14], torch.tensor([1.014390, 3.041403, 0.867697, 0.328796]), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("norm", "parent", "fed", "weights"),
    [
        ("input_layernorm", "self_attn", ["q_proj", "k_proj", "v_proj"], False),
        ("post_attention_layernorm", "mlp", ["gate_proj", "up_proj"], False),
        ("post_attention_layernorm", "mlp", ["gate_proj", "up_proj"], True),
    ],
)
def test_scales_are_those_of_a_slow_search(source: Path, norm: str, parent: str, fed: list[str], weights: bool) -> None:
    """In the first decoder layer, which every other one's inputs depend on."""
    (dense, samples), (after, _) = saved.read("llava", source), saved.read("llava", source)
    compress(Method(setting="w4a16-g32", grid=6, weights=weights), after, samples)
    module = dense.text.layers[0].get_submodule(parent)
    linears = [module.get_submodule(name) for name in fed]
    with heard(module) as calls, heard(linears[0]) as entered, torch.no_grad():
        for sample in samples:
            dense.model(**sample, use_cache=False)
    seen, run = torch.cat([args[0][0] for args, _ in entered]), partial(outputs, module, calls)
    exponents = [i / 4 for i in range(5)] if weights else [i / 5 for i in range(6)]
    losses, tried = search(linears, seen, exponents, weights=weights, rounded=rounded, run=run)
    plain, ones = search(linears, seen, [0.0], weights=False, rounded=rounded, run=run)  # tried too
    best = min(zip(plain + losses, ones + tried, strict=True), key=lambda pair: pair[0])[1]
    found = dense.text.layers[0].get_submodule(norm).weight / after.text.layers[0].get_submodule(norm).weight
    torch.testing.assert_close(found.detach(), best, rtol=1e-4, atol=1e-6)
    assert best.max() / best.min() > 1.5, "scales that are all alike prove little"


@contextmanager
def heard(module: nn.Module) -> Iterator[list[Any]]:
    """Note the arguments of each call."""
    calls: list[Any] = []
    hook = module.register_forward_pre_hook(lambda _, args, words: calls.append((args, words)), with_kwargs=True)
    yield calls
    hook.remove()


def outputs(module: nn.Module, calls: list[Any]) -> Tensor:
    found = [module(*args, **words) for args, words in calls]
    return torch.cat([output[0] if isinstance(output, tuple) else output for output in found], dim=1)


def rounded(values: Tensor) -> Tensor:
    groups = values.unflatten(1, (-1, GROUP))
    scales = groups.abs().amax(-1, keepdim=True) / 7.5
    return ((groups / scales).round().clamp(-8, 7) * scales).flatten(1)


def test_a_limit_worked_by_hand() -> None:
    """Two bits and a zero point: of 2, 1.9, .., 1.1 the limit 1.4 costs least, .106667 where 2 costs .113333."""
    inputs = torch.tensor([[1.0, 1, 1, 0.25], [1, -1, 1, 0], [0, 1, -1, 0.25]])
    weight, products = torch.tensor([[-0.4, 0.1, 0.5, 2]]), inputs.T @ inputs
    form = Format(2, group_size=4, has_zero_point=True)
    torch.testing.assert_close(clipped(weight, products, form), weight.clamp(max=1.4))
    two = clipped(torch.cat([weight, weight / 3], dim=1), torch.block_diag(products, products), form)
    torch.testing.assert_close(two, torch.cat([weight.clamp(max=1.4), weight.clamp(max=1.4) / 3], dim=1))


def test_limits_are_those_of_a_slow_search(source: Path) -> None:
    """In the first decoder layer, where each weight that is larger than its group's limit is cut, and no other."""
    (dense, samples), (after, _) = saved.read("llava", source), saved.read("llava", source)
    name = "model.language_model.layers.0.mlp.up_proj"
    weight = decoder_linears(dense.model)[name].weight.detach()
    inputs = torch.tensor(inputs_of(dense.model, samples, within=name)[name]).float()
    found = clipped(weight, inputs.T @ inputs, Format(4, group_size=GROUP))
    n_cut = 0
    for row, group in ((row, group) for row in range(0, 64, 9) for group in range(weight.shape[1] // GROUP)):
        own = slice(group * GROUP, (group + 1) * GROUP)
        part, entered, costs = weight[row, own], inputs[:, own].double(), {}
        for i in range(10):
            tried = part.clamp(-part.abs().max() * (1 - i / 20), part.abs().max() * (1 - i / 20))
            costs[i] = float((entered @ (rounded(tried[None])[0] - part).double()).square().mean())
        limit = part.abs().max() * (1 - min(costs, key=costs.__getitem__) / 20)
        torch.testing.assert_close(found[row, own], part.clamp(-limit, limit))
        n_cut += bool((part.abs() > limit).any())
    assert n_cut > 5
    compress(Method(setting="w4a16-asym-g32", grid=4, clip=True), after, samples)
    for key, linear in decoder_linears(after.model).items():
        scales = linear.weight_scale.repeat_interleave(GROUP, dim=1)
        levels = linear.weight / scales + linear.weight_zero_point.repeat_interleave(GROUP, dim=1)
        assert torch.allclose(levels, levels.round(), atol=1e-3), key
        assert (levels.min() > -8.1) & (levels.max() < 7.1), key


def test_only_norms_change_besides_the_linear_weights(source: Path) -> None:
    (dense, samples), (after, _) = saved.read("llava", source), saved.read("llava", source)
    method = Method(setting="w4a16-g32", grid=6, weights=False)
    changed = method.changes(dense.model)
    assert {name.split(".", 4)[-1] for name in changed} == {"input_layernorm.weight", "post_attention_layernorm.weight"}
    compress(method, after, samples)
    assert fingerprints(after.model, besides=changed) == fingerprints(dense.model, besides=changed)
    assert fingerprints(after.model) != fingerprints(dense.model)


def test_the_model_errs_less_than_rounded_to_nearest(source: Path, tmp_path: Path) -> None:
    """On a prompt that calibration did not see."""
    errors = []
    for method in (Method(setting="w4a16-g32"), rtn.Method(setting="w4a16-g32")):
        (dense, (_, unseen)), folder = saved.read("llava", source), tmp_path / method.id
        folder.mkdir(parents=True)
        after = saved.compressed("llava", source, folder, method, samples=1)
        with torch.no_grad():
            errors.append(float((after.model(**unseen).logits - dense.model(**unseen).logits).square().mean()))
    assert errors[0] < errors[1]


def test_values_are_scaled_where_every_head_has_its_own(source: Path) -> None:
    """Then values feed the layer after attention one to one."""
    model, _ = saved.read("llava", source)
    layer = model.text.layers[0]
    assert "self_attn.v_proj" not in pairs(layer, "weights/awq")
    layer.self_attn.v_proj = nn.Linear(64, 64)
    assert pairs(layer, "weights/awq")["self_attn.v_proj"] == ["self_attn.o_proj"]


@pytest.mark.parametrize("setting", ["", "w4a16", "w8a8", "50%"])
def test_a_wrong_setting_is_refused_with_the_allowed_ones(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/awq has no setting .* w4a16-g32, .*-asym-g64 or w4a16-asym-g128$"):
        Method(setting=setting)
