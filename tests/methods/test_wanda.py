"""Wanda: a two-row example worked by hand, a slow reference, and llmcompressor's own implementation."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from leanvlm import calibration
from leanvlm.errors import InputError
from leanvlm.methods.weights._audit import fingerprints, nonzero_shares
from leanvlm.methods.weights._layers import decoder_layers, decoder_linears
from leanvlm.methods.weights._pruning import PruningMethod
from leanvlm.methods.weights._samples import Samples
from leanvlm.methods.weights.magnitude import Method as Magnitude
from leanvlm.methods.weights.wanda import Method
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from tests.methods.calibrated import compress

EMBEDDED = Path("artifacts/models/embedded")
WEIGHT = torch.tensor([[1.0, -2, 3, -4], [0.5, 4, -1, 2]])
INPUTS = torch.tensor([[1.0, 0, 2, 1], [0, 1, 1, 0], [2, 1, 0, 1], [1, 1, 1, 1]])


@pytest.fixture(scope="module")
def samples(model: LoadedModel) -> Samples:
    return list(calibration_inputs(model, calibration.draw(2, seed=1)))


def fresh(folder: Path) -> LoadedModel:
    loaded = load_model("llava_onevision", folder)
    loaded.model.set_attn_implementation("eager")  # llmcompressor calibrates with it
    return loaded


def compressed(folder: Path, samples: Samples, *, setting: str) -> LoadedModel:
    loaded = fresh(folder)
    compress(Method(setting=setting), loaded, samples)
    return loaded


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("50%", [[0.0, 0, 3, -4], [0, 4, 0, 2]]),
        ("75%", [[0.0, -2, 3, -4], [0, 4, -1, 2]]),
        ("2:4", [[0.0, 0, 3, -4], [0, 4, 0, 2]]),
        ("100%", [[1.0, -2, 3, -4], [0.5, 4, -1, 2]]),
    ],
)
def test_example_worked_by_hand(setting: str, expected: list[list[float]]) -> None:
    scores = WEIGHT.abs() * INPUTS.norm(dim=0)
    pruned = WEIGHT.masked_fill(Method(setting=setting).is_pruned(scores), 0)
    assert torch.equal(pruned, torch.tensor(expected))


def test_2_of_4_is_per_group_where_a_share_is_per_row() -> None:
    scores = torch.tensor([[1.0, 2, 3, 4, 5, 6, 7, 8]])
    assert Method(setting="2:4").is_pruned(scores).nonzero()[:, 1].tolist() == [0, 1, 4, 5]
    assert Method(setting="50%").is_pruned(scores).nonzero()[:, 1].tolist() == [0, 1, 2, 3]


def test_ties_go_to_the_earlier_weight() -> None:
    assert Method(setting="50%").is_pruned(torch.ones(2, 4)).tolist() == [[True, True, False, False]] * 2


def test_a_share_is_not_cut_by_binary_fractions() -> None:
    """100 x (1 - 0.71) is 28.999999999999996 in binary."""
    assert Method(setting="71%").is_pruned(torch.rand(3, 100)).sum(1).tolist() == [29, 29, 29]


@pytest.mark.parametrize(
    "setting", ["", "50", "0%", "101%", "50.0%", "050%", "-5%", "4:2", "3:4", "2 : 4", "w4a16-g128"]
)
def test_a_wrong_setting_is_refused_with_the_allowed_ones(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/wanda has no setting .* such as 50%, or 2:4$"):
        Method(setting=setting)


@pytest.mark.parametrize("setting", ["50%", "2:4"])
def test_differs_from_llmcompressor_at_most_where_float_sums_tie(
    setting: str, random_checkpoint: Path, samples: Samples
) -> None:
    own, other = compressed(random_checkpoint, samples, setting=setting), fresh(random_checkpoint)
    _llmcompressor(other, samples, mask="2:4" if setting == "2:4" else "0:0")
    theirs = decoder_linears(other.model)
    for name, linear in decoder_linears(own.model).items():
        differing = (linear.weight != theirs[name].weight).sum()
        assert differing <= 2e-5 * linear.weight.numel(), name  # one pair that swapped places in 100,000 weights


def test_equals_a_reference_that_runs_the_whole_model_for_each_layer(random_checkpoint: Path, samples: Samples) -> None:
    own, other = compressed(random_checkpoint, samples, setting="30%"), fresh(random_checkpoint)
    for name in decoder_layers(other.model):
        _prune_slowly(other.model, name, samples, share=0.3)
    expected = decoder_linears(other.model)
    for name, linear in decoder_linears(own.model).items():
        assert torch.equal(linear.weight, expected[name].weight), name


def test_every_row_keeps_the_share_and_nothing_else_is_touched(random_checkpoint: Path, samples: Samples) -> None:
    before, after = fresh(random_checkpoint), compressed(random_checkpoint, samples, setting="50%")
    assert fingerprints(after.model) == fingerprints(before.model)
    assert set(nonzero_shares(after.model).values()) == {0.5}
    assert len(nonzero_shares(after.model)) == 28
    for linear in decoder_linears(after.model).values():
        assert set(linear.weight.count_nonzero(dim=1).tolist()) == {linear.in_features // 2}


def test_errs_less_than_magnitude_on_questions_it_has_not_seen() -> None:
    dense = load_model("llava_onevision", EMBEDDED)
    seen: dict[str, list[Tensor]] = {name: [] for name in decoder_linears(dense.model)}
    for name, linear in decoder_linears(dense.model).items():
        linear.register_forward_pre_hook(lambda _, args, name=name: seen[name].append(args[0][0]))
    with torch.no_grad():
        for sample in calibration_inputs(dense, calibration.draw(4, seed=2)):
            dense.model(**sample)
    errors = {
        kind: _errors(dense, kind, {n: torch.cat(rows) for n, rows in seen.items()}) for kind in (Method, Magnitude)
    }
    assert [name for name, error in errors[Method].items() if error >= errors[Magnitude][name]] == []


def test_only_text_counts_where_that_is_asked(random_checkpoint: Path, samples: Samples) -> None:
    own, other = fresh(random_checkpoint), compressed(random_checkpoint, samples, setting="50%")
    compress(Method(setting="50%", tokens="text"), own, samples)
    assert nonzero_shares(own.model) == nonzero_shares(other.model)
    assert fingerprints(own.model) == fingerprints(other.model)
    theirs = decoder_linears(other.model)
    changed = [not torch.equal(part.weight, theirs[name].weight) for name, part in decoder_linears(own.model).items()]
    assert all(changed)
    with pytest.raises(InputError, match="weights/wanda has no tokens 'visual'; it has all, text"):
        Method(setting="50%", tokens="visual")


def test_the_global_generator_is_not_used(random_checkpoint: Path, samples: Samples) -> None:
    state = torch.get_rng_state()
    compressed(random_checkpoint, samples[:1], setting="50%")
    assert torch.equal(torch.get_rng_state(), state)


@torch.no_grad()
def _errors(dense: LoadedModel, kind: type[PruningMethod], seen: dict[str, Tensor]) -> dict[str, float]:
    after = load_model("llava_onevision", EMBEDDED)
    compress(kind(setting="50%"), after, calibration_inputs(after, calibration.draw(4, seed=1)))
    pruned = decoder_linears(after.model)
    return {
        name: float((seen[name] @ (part.weight - pruned[name].weight).T).square().sum())
        for name, part in decoder_linears(dense.model).items()
    }


def _llmcompressor(loaded: LoadedModel, samples: Samples, *, mask: str) -> None:
    from llmcompressor import oneshot
    from llmcompressor.modifiers.pruning import WandaPruningModifier

    layers = r"re:.*language_model\.layers\.\d+$"
    modifier = WandaPruningModifier(sparsity=0.5, mask_structure=mask, targets=[layers])
    loader = torch.utils.data.DataLoader(samples, batch_size=None)
    oneshot(model=loaded.model, recipe=modifier, dataset=loader, processor=loaded.processor)


@torch.no_grad()
def _prune_slowly(model: nn.Module, layer: str, samples: Samples, *, share: float) -> None:
    linears = {name: part for name, part in decoder_linears(model).items() if name.startswith(f"{layer}.")}
    seen: dict[str, list[Tensor]] = {name: [] for name in linears}
    for name, linear in linears.items():
        linear.register_forward_pre_hook(lambda _, args, name=name: seen[name].append(args[0][0]))
    for sample in samples:
        model(**sample)
    for name, linear in linears.items():
        linear._forward_pre_hooks.clear()
        norms = torch.stack([inputs.square().sum(0) for inputs in seen[name]]).sum(0).sqrt().numpy()
        for row in linear.weight.numpy():  # shares memory
            order = np.argsort(np.abs(row) * norms, kind="stable")
            row[order[: math.floor(len(row) * (1 - share))]] = 0
