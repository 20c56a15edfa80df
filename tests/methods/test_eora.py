"""EoRA: matrices worked by hand, another way to the same optimum, and files that say the same without our code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from leanvlm.errors import InputError
from leanvlm.methods.weights import awq, gptq, magnitude, rtn, sparsegpt
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.methods.weights._refusals import refuse_widths
from leanvlm.methods.weights._saving import reload
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.methods.weights.eora import Method, eigenspace, factors
from leanvlm.models import _low_rank
from leanvlm.recipes import parse
from tests.methods import saved
from tests.methods.calibrated import decoder_of
from tests.methods.surgeon import inputs_of

Matrix = NDArray[np.float64]
LOST = [[1.0, 2], [3, 1]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eora")
    saved.save("llava", folder)
    return folder


@pytest.mark.parametrize(
    ("products", "expected", "error"),
    [
        ([[4.0, 0], [0, 1]], [[1.18219, 0.62790], [2.92640, 1.55430]], 2.34436),
        ([[2.0, 1], [1, 2]], [[1.74808, 1.13868], [2.47073, 1.60940]], 1.97224),
    ],
)
def test_matrices_worked_by_hand(products: list[list[float]], expected: list[list[float]], error: float) -> None:
    lost, hessian = torch.tensor(LOST), torch.tensor(products)
    down, up = factors(lost, *eigenspace(hessian), 1)
    assert (down.shape, up.shape) == ((1, 2), (2, 1))
    torch.testing.assert_close((up @ down).float(), torch.tensor(expected), atol=1e-5, rtol=0)
    left = lost - up @ down
    assert float((left @ hessian.double() @ left.T).trace()) == pytest.approx(error, abs=1e-5)


def slowly(lost: Matrix, products: Matrix, rank: int) -> tuple[Matrix, float]:
    """Reach the optimum by a Cholesky factor, not by eigenvectors: what is added, and the error that it leaves."""
    root = np.linalg.cholesky(products)
    left, sizes, right = np.linalg.svd(lost @ root)
    added = left[:, :rank] * sizes[:rank] @ right[:rank] @ np.linalg.inv(root)
    return added, float((sizes[rank:] ** 2).sum())


def weighted(left: Matrix, products: Matrix) -> float:
    return float(np.trace(left @ products @ left.T))


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_no_other_matrix_of_the_rank_errs_less(rank: int) -> None:
    lots = np.random.default_rng(rank)
    lost, inputs = lots.normal(size=(6, 9)), lots.normal(size=(40, 9)) * np.arange(1, 10)
    products = inputs.T @ inputs
    down, up = factors(torch.tensor(lost), *eigenspace(torch.tensor(products)), rank)
    found = (up @ down).numpy()
    expected, error = slowly(lost, products, rank)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert weighted(lost - found, products) == pytest.approx(error, abs=1e-6)
    left, sizes, right = np.linalg.svd(lost)
    plain = left[:, :rank] * sizes[:rank] @ right[:rank]
    assert rank == 6 or weighted(lost - found, products) < weighted(lost - plain, products)


def test_full_rank_gives_the_weights_back_even_where_inputs_are_few() -> None:
    """Two tokens for five inputs: most directions never enter, and what is lost there comes back all the same."""
    lots = torch.Generator().manual_seed(0)
    lost, inputs = torch.randn(4, 5, generator=lots), torch.randn(2, 5, generator=lots)
    down, up = factors(lost, *eigenspace(inputs.T @ inputs), 4)
    torch.testing.assert_close((up @ down).float(), lost, atol=1e-5, rtol=1e-5)


def amended(source: Path, method: WeightsMethod, setting: str | None) -> Any:
    """Compress a model in memory, and make good what that lost."""
    model, samples = saved.read("llava", source)
    decoder = decoder_of(model, samples)
    if setting:
        decoder.originals, decoder.amend = {}, Method(setting=setting).amend
    method.compress(decoder)
    return model


@pytest.mark.parametrize(
    "method",
    [sparsegpt.Method(setting="2:4"), gptq.Method(setting="w4a16-g32"), rtn.Method(setting="mxfp4")],
    ids=lambda method: method.id,
)
def test_every_layer_errs_less_than_without_and_ever_less_with_more(source: Path, method: WeightsMethod) -> None:
    """In the first decoder layer, on what enters its linear layers, where the calibration samples are."""
    (dense, samples) = saved.read("llava", source)
    weights = decoder_linears(dense.model)
    errors: dict[str, list[float]] = {}
    for setting in (None, "r4", "r32"):
        model = amended(source, method, setting)
        linears = decoder_linears(model.model)
        for name, inputs in inputs_of(model.model, samples, within="layers.0.").items():
            errors.setdefault(name, []).append(error_of(linears[name], weights[name], inputs))
    assert len(errors) == 7
    for name, found in errors.items():
        assert found == sorted(found, reverse=True), name
        assert found[-1] < 0.3 * found[0], name


def error_of(linear: nn.Linear, exact: nn.Linear, inputs: Matrix) -> float:
    """Measure the error in squares on what enters; inputs of both layers are the same, and rounded in neither."""
    left = (exact.weight - linear.weight).detach().double()
    if hasattr(linear, _low_rank.PART):
        pair: Any = linear.get_submodule(_low_rank.PART)
        left -= (pair.up.double() @ pair.down.double()).detach()
    return float((torch.tensor(inputs) @ left.T).square().sum())


@pytest.mark.parametrize(
    "methods",
    [
        (magnitude.Method(setting="2:4"), Method(setting="r8")),
        (gptq.Method(setting="w4a16-g32"), Method(setting="r8")),
        (magnitude.Method(setting="2:4"), rtn.Method(setting="w4a16-g32"), Method(setting="r8")),
    ],
    ids=lambda methods: "-".join(method.id.rpartition("/")[2] for method in methods),
)
def test_the_files_alone_say_what_was_measured(source: Path, tmp_path: Path, methods: Any) -> None:
    """Merged by hand into what transformers reads of the checkpoint, they give the answers that ours gives."""
    model, samples = saved.read("llava", source)
    dense = {name: linear.weight.detach().clone() for name, linear in decoder_linears(model.model).items()}
    audit = produce(methods, model.model, record(model.model, samples), source=source, folder=tmp_path)
    ours = reload(saved.read("llava", source)[0].model, tmp_path, torch.float32)
    theirs = type(ours).from_pretrained(tmp_path, attn_implementation="eager").to(torch.float32)
    with torch.no_grad():
        theirs(**samples[0])  # unpacks what is packed
        added = load_file(tmp_path / "lora" / "adapter_model.safetensors")
        assert {value.dtype for value in added.values()} == {torch.bfloat16}
        for name, linear in decoder_linears(theirs).items():
            down, up = (added[f"base_model.model.{name}.lora_{kind}.weight"].float() for kind in "AB")
            errors = [float((linear.weight - dense[name]).square().sum())]
            linear.weight += up @ down
            errors.append(float((linear.weight - dense[name]).square().sum()))
            assert errors[1] < errors[0], "what is added has nothing to do with what was lost"
        for sample in samples:
            wanted: Tensor = ours(**sample).logits
            torch.testing.assert_close(theirs(**sample).logits, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max()))
    sizes = {
        name: 2 * sum(added[f"base_model.model.{name}.lora_{kind}.weight"].numel() for kind in "AB") for name in dense
    }
    n_weights = sum(weight.numel() for weight in dense.values())
    assert audit["parts"][-1] == {
        "achieved_budget": pytest.approx(sum(sizes.values()) / 2 / n_weights), "budget": None, "setting": "r8",
    }  # fmt: skip
    stored = sum(part["achieved_budget"] for part in audit["parts"] if part["setting"] != "2:4") * 2 * n_weights
    if len(methods) == 2:
        stored += n_weights if audit["parts"][0]["setting"] == "2:4" else 0
        assert audit["weights_bytes"] == pytest.approx(stored)
    for layer in audit["layers"].values():
        assert abs(layer["bits_per_weight"] / 16 - layer["budget"]) < 1 / 128


def test_the_settings_are_those_of_peft(source: Path, tmp_path: Path) -> None:
    saved.compressed("llava", source, tmp_path, magnitude.Method(setting="2:4"), Method(setting="r4"))
    told = json.loads((tmp_path / "lora" / "adapter_config.json").read_text())
    assert (told["peft_type"], told["r"], told["lora_alpha"], len(told["target_modules"])) == ("LORA", 4, 4, 28)
    assert str(source) not in json.dumps(told)
    told["lora_alpha"] = 8  # twice what was measured
    (tmp_path / "lora" / "adapter_config.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"lora is not what leanvlm writes beside a checkpoint"):
        reload(saved.read("llava", source)[0].model, tmp_path, torch.float32)


@pytest.mark.parametrize("fault", ["cut", "moved", "half"])
def test_files_that_are_damaged_are_one_sentence(source: Path, tmp_path: Path, fault: str) -> None:
    saved.compressed("llava", source, tmp_path, magnitude.Method(setting="2:4"), Method(setting="r4"))
    path = tmp_path / "lora" / "adapter_model.safetensors"
    tensors = load_file(path)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif fault == "moved":
        save_file({name.replace("layers.3.", "layers.9."): value for name, value in tensors.items()}, path)
    else:
        save_file({name: value for name, value in tensors.items() if "layers.3.mlp.up_proj.lora_B" not in name}, path)
    with pytest.raises(InputError, match=r"lora .*(again|anew)$") as error:
        reload(saved.read("llava", source)[0].model, tmp_path, torch.float32)
    assert "\n" not in str(error.value)


def test_a_rank_above_the_narrowest_layer_is_refused(source: Path) -> None:
    model, _ = saved.read("llava", source)
    Method(setting="r32").refuse_widths(model.model)
    with pytest.raises(InputError, match=r"weights/eora@r33 has a higher rank than .*k_proj, .* 32 wide; choose r32"):
        Method(setting="r33").refuse_widths(model.model)


def test_what_would_store_more_than_the_model_itself_is_refused(source: Path) -> None:
    model, _ = saved.read("llava", source)
    refuse_widths([sparsegpt.Method(setting="50%"), Method(setting="r16")], model.model)
    with pytest.raises(InputError, match=r"sparsegpt and weights/eora would store 1\d\d% of .*; choose a lower rank$"):
        refuse_widths([sparsegpt.Method(setting="50%"), Method(setting="r20")], model.model)


def test_alone_it_is_refused(source: Path, tmp_path: Path) -> None:
    model, samples = saved.read("llava", source)
    with pytest.raises(InputError, match="follows one that prunes or quantises"):
        produce([Method(setting="r4")], model.model, record(model.model, samples), source=source, folder=tmp_path)


@pytest.mark.parametrize("setting", ["", "4", "r0", "r04", "R4", "r4.5", "50%"])
def test_a_wrong_setting_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=r"weights/eora has no setting .*; it takes a rank, such as r32$"):
        Method(setting=setting)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("weights/eora@r32", r"makes good what nothing lost; write weights/gptq@w4a16-g128\+weights/eora@r32"),
        ("weights/eora@r8+weights/rtn@fp8", r"changes weights .* good; write weights/rtn@fp8\+weights/eora@r8$"),
        ("weights/awq@w4a16-g32+weights/eora@r8", r"awq scales them before .* weights/rtn@w4a16-g32\+weights/eora@r8$"),
        ("weights/smoothquant@w8a8+weights/eora@r8", r"write weights/rtn@w8a8\+weights/eora@r8$"),
        ("weights/rtn@fp8+weights/eora@r8+weights/eora@r4", "act on the same thing"),
    ],
)
def test_a_recipe_in_which_it_makes_no_sense_is_refused(given: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        parse(given)
    assert "\n" not in str(error.value)


def test_it_joins_what_prunes_and_what_quantises() -> None:
    text = "weights/sparsegpt@2:4+weights/rtn@w4a16-g128+weights/eora@r64"
    assert parse(f"cache/snapkv@10%+{text}").text == f"{text}+cache/snapkv@10%"
    assert parse(text).acts_on == "weights"
    assert [part.budget for part in parse(text).parts] == [0.5, 4.125 / 16, None]
    assert not awq.Method(setting="w4a16-g32").compensates
