"""SparseGPT: matrices worked by hand, the optimal brain surgeon step by step, and errors on unseen inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from leanvlm import calibration
from leanvlm.errors import InputError
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights.sparsegpt import Method
from leanvlm.models._loading import load_model
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from leanvlm.recipes import parse
from tests.methods import saved
from tests.methods.calibrated import compress
from tests.methods.surgeon import Matrix, first_of_inverse, hessian, inputs_of, operate

EMBEDDED = Path(__file__).parents[2] / "artifacts/models/embedded"
WEIGHT = [[1.0, -2, 3, -4], [0.5, 4, -1, 2]]
HESSIAN = [[12.0, 6, 6, 8], [6, 6, 4, 4], [6, 4, 12, 6], [8, 4, 6, 6]]


@pytest.mark.parametrize(
    ("sparsity", "pattern", "block", "expected"),
    [
        (0.5, (0, 0), 128, [[0, 0, 2.676306, -3.681090], [0, 4.110261, 0, 0]]),
        (0.25, (0, 0), 128, [[0, -1.779477, 2.693331, -2.529077], [0, 4.110261, 0, 1.599171]]),
        (0.5, (2, 4), 128, [[0, 0, 2.676306, -3.681090], [0, 4.110261, 0, 1.599171]]),
        (0.5, (0, 0), 2, [[0, 0, 0, -1.044335], [0, 4.110261, 0, 0]]),
    ],
)
def test_matrices_worked_by_hand(
    sparsity: float, pattern: tuple[int, int], block: int, expected: list[list[float]]
) -> None:
    from llmcompressor.modifiers.pruning.sparsegpt.sgpt_sparsify import sparsify_weight

    linear = nn.Linear(4, 2, bias=False)
    linear.weight.data = torch.tensor(WEIGHT)
    hessians = {linear: torch.tensor(HESSIAN)}
    _, found = sparsify_weight(linear, hessians, sparsity, *pattern, block, 0.01, False)
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=2e-6)


@pytest.mark.parametrize("setting", ["50%", "70%", "2:4"])
def test_equals_the_surgeon_step_by_step(setting: str, tmp_path: Path) -> None:
    saved.save("llava", tmp_path)
    (before, samples), (after, _) = saved.read("llava", tmp_path), saved.read("llava", tmp_path)
    compress(Method(setting=setting), after, samples)
    seen, dense = inputs_of(before.model, samples, within="layers.0."), decoder_linears(before.model)
    assert len(seen) == 7
    for name, inputs in seen.items():
        expected = pruned(dense[name].weight.detach().double().numpy(), hessian(inputs), setting)
        found = decoder_linears(after.model)[name].weight.detach().numpy()
        rows = ((found == 0) == (expected == 0)).all(1)  # a weight at the threshold may fall on either side
        assert rows.mean() > 0.95, name
        np.testing.assert_allclose(found[rows], expected[rows], atol=2e-4)


def pruned(weight: Matrix, products: Matrix, setting: str) -> Matrix:
    """Prune one block of at most 128 columns."""
    diagonal = first_of_inverse(products)
    if setting == "2:4":
        chosen = np.zeros(weight.shape, dtype=bool)

        def settled(j: int, now: Matrix) -> Matrix:
            if j % 4 == 0:
                scores = now[:, j : j + 4] ** 2 / diagonal[j : j + 4]
                np.put_along_axis(chosen, j + scores.argsort(1)[:, :2], True, 1)
            return np.where(chosen[:, j], 0, now[:, j])

        return operate(weight, products, settled)
    scores = weight**2 / diagonal
    limit = np.sort(scores, axis=None)[int(scores.size * (1 - float(setting[:-1]) / 100) + 1e-9)]
    return operate(weight, products, lambda j, now: np.where(scores[:, j] <= limit, 0, now[:, j]))


def test_every_layer_errs_less_than_wandas_and_wandas_less_than_magnitudes() -> None:
    """Of the embedded model, whose inputs differ in size as a trained model's do, on samples not calibrated on."""
    dense = load_model("llava_onevision", EMBEDDED)
    samples = list(calibration_inputs(dense, calibration.draw(8, seed=1)))
    unseen = inputs_of(dense.model, calibration_inputs(dense, calibration.draw(4, seed=2)), within="_proj")
    errors: dict[str, dict[str, float]] = {}
    for method in ("sparsegpt", "wanda", "magnitude"):
        other = load_model("llava_onevision", EMBEDDED)
        compress(parse(f"weights/{method}@50%").parts[0].built, other, samples)
        before, after = decoder_linears(dense.model), decoder_linears(other.model)
        moved = {name: (after[name].weight - before[name].weight).detach().double().numpy() for name in unseen}
        errors[method] = {name: float(np.square(inputs @ moved[name].T).sum()) for name, inputs in unseen.items()}
    assert len(unseen) == 28
    assert [name for name in unseen if errors["sparsegpt"][name] >= errors["wanda"][name]] == []
    assert [name for name in unseen if errors["wanda"][name] >= errors["magnitude"][name]] == []


def test_all_is_kept_where_all_is_asked(tmp_path: Path) -> None:
    saved.save("llava", tmp_path)
    (before, samples), (after, _) = saved.read("llava", tmp_path), saved.read("llava", tmp_path)
    compress(Method(setting="100%"), after, samples)
    for name, linear in decoder_linears(before.model).items():
        assert torch.equal(decoder_linears(after.model)[name].weight, linear.weight)


@pytest.mark.parametrize("setting", ["0%", "4:8", "w4a16-g32", "0.5"])
def test_a_wrong_setting_is_refused_with_the_allowed_ones(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/sparsegpt has no setting .* such as 50%, or 2:4$"):
        Method(setting=setting)
