"""ECoFLaP: allocations worked by hand, importance against autograd, and a layer the loss ignores keeps least."""

from __future__ import annotations

from fractions import Fraction
from math import pi, sqrt
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from leanvlm import calibration
from leanvlm.errors import InputError
from leanvlm.methods.weights._allocation import layer_sizes, per_linear
from leanvlm.methods.weights._layers import decoder_layers, decoder_linears
from leanvlm.methods.weights._samples import CalibrationSample
from leanvlm.methods.weights.ecoflap import Method, allocate, answer_loss
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from tests.methods.calibrated import N_ANSWER, compress, decoder_of, samples_of
from tests.models import tiny


@pytest.fixture
def small() -> Any:
    return tiny.build("llava")


@pytest.mark.parametrize(
    ("scores", "sizes", "total", "least", "expected"),
    [
        ((1, 3, 4), (100, 100, 200), 200, "0.4", [45, 55, 100]),
        ((0, 1, 9), (100, 100, 100), 150, "0.1", [10, 40, 100]),
        ((1, 1, 1), (10, 10, 10), 16, "0.2", [4, 6, 6]),  # 6, 6, 6 after rounding up; upstream then adds: 8, 6, 6
        ((0, 0), (10, 30), 20, "0.4", [5, 15]),  # nothing to go by
        ((0, 5, 0), (10, 10, 20), 30, "0", [7, 10, 13]),  # one is full, and the others have no score
        ((2, 1), (10, 10), 20, "0.9", [10, 10]),
    ],
)
def test_allocations_worked_by_hand(
    scores: tuple[float, ...], sizes: tuple[int, ...], total: int, least: str, expected: list[int]
) -> None:
    assert allocate(scores, sizes, total=total, least=Fraction(least)) == expected


def test_allocations_add_up_within_their_bounds() -> None:
    lots = torch.Generator().manual_seed(0)
    for _ in range(200):
        scores = torch.rand(5, generator=lots).pow(4).tolist()
        sizes = torch.randint(50, 500, (5,), generator=lots).tolist()
        share = Fraction(int(torch.randint(15, 100, (1,), generator=lots)), 100)
        total, least = int(sum(sizes) * share), share - Fraction(1, 10)
        kept = allocate(scores, sizes, total=total, least=least)
        assert sum(kept) == total
        assert all(n * least <= k <= n for n, k in zip(sizes, kept, strict=True))


def autograd_loss(model: Any, sample: CalibrationSample) -> Tensor:
    """Let transformers compute the loss of the answer."""
    labels = sample["input_ids"].clone()
    labels[:, :-N_ANSWER] = -100
    return model(**sample, labels=labels).loss  # type: ignore[no-any-return]


def test_the_loss_is_that_of_the_answer(small: Any) -> None:
    (sample,) = samples_of(small, "two")
    decoder = decoder_of(small, [sample])
    for _ in decoder.look():
        pass
    with torch.no_grad():
        expected = float(autograd_loss(small.model, sample))
    assert answer_loss(decoder, decoder.states[0], decoder.samples[0].answer) == pytest.approx(expected, rel=1e-5)


def test_importance_is_the_gradients_norm_as_noise_sees_it(small: Any) -> None:
    """|g z| of Gaussian noise z is on average |g| sqrt(2 / pi); 100 draws come within a fifth of that."""
    samples = samples_of(small, "one")
    weights = {name: linear.weight for name, linear in decoder_linears(small.model).items()}
    gradients = torch.autograd.grad(autograd_loss(small.model, samples[0]), list(weights.values()))
    norms = dict(zip(weights, [float(gradient.norm()) * sqrt(2 / pi) for gradient in gradients], strict=True))
    name, linear = list(decoder_linears(small.model).items())[9]
    decoder = decoder_of(small, samples)
    block = next(block for block in decoder.look() if name in block.linears)
    slope = Method(setting="50%", noises=100)._slope(decoder, block, linear, torch.Generator().manual_seed(0))
    assert slope / 100 == pytest.approx(norms[name], rel=0.2)


def test_weights_come_back_exactly_and_draws_are_seeded(small: Any) -> None:
    samples = samples_of(small, "one")
    before = {name: value.clone() for name, value in small.model.state_dict().items()}
    state = torch.get_rng_state()
    first = Method(setting="50%").importance(decoder_of(small, samples))
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"
    assert all(torch.equal(value, before[name]) for name, value in small.model.state_dict().items())
    assert Method(setting="50%").importance(decoder_of(small, samples)) == first
    assert Method(setting="50%", seed=1).importance(decoder_of(small, samples)) != first


@torch.no_grad()
def test_a_layer_that_the_loss_does_not_depend_on_keeps_least(small: Any) -> None:
    """Norms that let nothing in: what its linear layers do with zeros is zero, whatever their weights."""
    layer = small.text.layers[2]
    for norm in (layer.input_layernorm, layer.post_attention_layernorm):
        norm.weight.zero_()
    compress(Method(setting="50%"), small, samples_of(small, "one"))
    shares = []
    for name in decoder_layers(small.model):
        own = [part.weight for key, part in decoder_linears(small.model).items() if key.startswith(f"{name}.")]
        shares.append(sum(int(w.count_nonzero()) for w in own) / sum(w.numel() for w in own))
    assert shares[2] == pytest.approx(0.4, abs=1e-4)
    assert min(shares[:2] + shares[3:]) > 0.4
    assert sum(shares) / 4 == pytest.approx(0.5, abs=1e-6)


def test_sparsegpt_prunes_to_the_same_shares(
    model: LoadedModel, random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Method, "importance", lambda *_: [4.0, 3.0, 2.0, 1.0])
    samples = list(calibration_inputs(model, calibration.draw(1, seed=1)))
    loaded, sizes = load_model("llava_onevision", random_checkpoint), layer_sizes(model.model)
    compress(Method(setting="50%", prune="sparsegpt"), loaded, samples)
    kept = allocate([4, 3, 2, 1], sizes, total=sum(sizes) // 2, least=Fraction(2, 5))
    counts = per_linear(loaded.model, kept)
    assert kept == sorted(kept, reverse=True)
    for name, linear in decoder_linears(loaded.model).items():
        n_blocks = linear.in_features // 128
        assert 0 <= counts[name] - int(linear.weight.count_nonzero()) <= 2 * n_blocks, name  # one, and rounding


def test_wrong_options_are_refused() -> None:
    with pytest.raises(InputError, match="weights/ecoflap has no prune 'gptq'; it has wanda, sparsegpt"):
        Method(setting="50%", prune="gptq")
    with pytest.raises(InputError, match="counts all tokens' inputs"):
        Method(setting="50%", prune="sparsegpt", tokens="text")


def test_2_of_4_leaves_nothing_to_share_out() -> None:
    with pytest.raises(InputError, match=r"weights/ecoflap has no setting '2:4'; it takes .* 2:4 keeps half of every"):
        Method(setting="2:4")
