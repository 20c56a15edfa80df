"""SmoothQuant: scales worked by hand, and inputs and weights that meet halfway."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from leanvlm.errors import InputError
from leanvlm.methods.weights import rtn, smoothquant
from leanvlm.methods.weights._audit import fingerprints
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights.smoothquant import Method, smooth
from leanvlm.recipes import parse
from tests.methods import saved
from tests.methods.calibrated import compress
from tests.methods.surgeon import inputs_of


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smoothquant")
    saved.save("llava", folder)
    return folder


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [(0.5, [4, 0.70711, 2]), (0.8, [9.18959, 0.87055, 3.03143]), (0, [1, 0.5, 1]), (1, [16, 1, 4])],
)
def test_scales_worked_by_hand(alpha: float, expected: list[float]) -> None:
    """The largest weights of the columns, of two layers of one row each, are 1, 2 and 1."""
    linears = [nn.Linear(3, 1), nn.Linear(3, 1)]
    linears[0].weight.data = torch.tensor([[1, -2, 0.5]])
    linears[1].weight.data = torch.tensor([[0.25, 1, -1]])
    found = smooth(torch.tensor([16.0, 1, 4]), linears, alpha)
    torch.testing.assert_close(found.detach(), torch.tensor(expected, dtype=torch.float32), atol=1e-5, rtol=0)


def test_a_column_of_zeros_is_left_alone() -> None:
    linear = nn.Linear(2, 2)
    linear.weight.data = torch.tensor([[4.0, 0], [4, 0]])
    assert smooth(torch.tensor([0.0, 9]), [linear], 0.5).tolist() == [1, 1]


def test_inputs_and_weights_meet_halfway(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scaled but not rounded, the model computes what it did, and each column's maxima are their geometric mean."""
    monkeypatch.setattr(smoothquant, "round_block", lambda *_: None)
    (dense, samples), (after, _) = saved.read("llava", source), saved.read("llava", source)
    compress(Method(setting="w8a8"), after, samples)
    with torch.no_grad():
        found, wanted = (model.model(**samples[0]).logits for model in (after, dense))
    torch.testing.assert_close(found, wanted, rtol=0, atol=5e-4 * float(wanted.abs().max()))
    before, scaled = decoder_linears(dense.model), decoder_linears(after.model)
    for part, fed in (("self_attn", "qkv"), ("mlp", ("gate", "up"))):
        names = [f"model.language_model.layers.1.{part}.{one}_proj" for one in fed]
        entered, smoothed = (
            abs(torch.tensor(inputs_of(model.model, samples, within=names[0])[names[0]])).amax(0)
            for model in (dense, after)
        )
        largest, grown = (torch.cat([one[name].weight for name in names]).abs().amax(0) for one in (before, scaled))
        expected = (entered * largest).sqrt().float()
        torch.testing.assert_close(smoothed.float(), expected, rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(grown, expected, rtol=1e-3, atol=1e-6)
        assert entered.max() / entered.min() > 3, "inputs that are all alike prove little"


def test_only_norms_change_besides_the_linear_weights(source: Path) -> None:
    (dense, samples), (after, _) = saved.read("llava", source), saved.read("llava", source)
    changed = Method(setting="w8a8").changes(dense.model)
    assert {name.split(".", 4)[-1] for name in changed} == {"input_layernorm.weight", "post_attention_layernorm.weight"}
    compress(Method(setting="w8a8"), after, samples)
    assert fingerprints(after.model, besides=changed) == fingerprints(dense.model, besides=changed)
    assert fingerprints(after.model) != fingerprints(dense.model)


def test_outliers_cost_less_than_rounded_as_they_are(source: Path, tmp_path: Path) -> None:
    """On a prompt that calibration did not see; the norms make some inputs far larger than others."""
    errors = []
    for method in (Method(setting="w8a8"), rtn.Method(setting="w8a8")):
        (dense, (_, unseen)), folder = saved.read("llava", source), tmp_path / method.id
        folder.mkdir(parents=True)
        after = saved.compressed("llava", source, folder, method, samples=1)
        with torch.no_grad():
            errors.append(float((after.model(**unseen).logits - dense.model(**unseen).logits).square().mean()))
    assert errors[0] < errors[1]


def test_what_is_pruned_may_be_smoothed(source: Path) -> None:
    model, samples = saved.read("llava", source)
    for linear in decoder_linears(model.model).values():
        linear.weight.data[:, 1::2] = 0
    compress(Method(setting="w8a8"), model, samples)
    for linear in decoder_linears(model.model).values():
        assert not linear.weight[:, 1::2].any()
        assert linear.weight[:, ::2].any()
    assert parse("weights/wanda@50%+weights/smoothquant@w8a8").acts_on == "weights"


@pytest.mark.parametrize("setting", ["", "fp8", "w4a16-g128", "50%"])
def test_a_wrong_setting_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/smoothquant has no setting .*; it takes w8a8$"):
        Method(setting=setting)
