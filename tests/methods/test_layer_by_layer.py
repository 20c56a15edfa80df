"""A model as it is stored, lent layer by layer, computes to the bit what it computes whole in float32."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch._subclasses.fake_tensor import FakeTensorMode

from leanvlm.errors import InputError
from leanvlm.methods.weights import _entrances, _saving
from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._lending import Place, streamed
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.recipes import parse
from tests.methods import saved
from tests.methods.calibrated import samples_of
from tests.models import tiny


@pytest.fixture(scope="module", params=list(tiny.BUILDERS))
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    saved.save(request.param, folder)
    return request.param, folder


def stored(architecture: str, folder: Path) -> Any:
    """Read a tiny model in the type that its files have."""
    model = tiny.build(architecture)
    model.model = type(model.model).from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="eager")
    return model


def walked(model: Any, entered: list[_entrances.Entering], **place: Any) -> list[torch.Tensor]:
    decoder = Decoder(model.model, entered, Place(**place))
    for _ in decoder.look():
        pass
    return decoder.states


def test_lent_it_computes_what_it_computes_whole(source: tuple[str, Path]) -> None:
    whole, samples = saved.read(*source)
    lent = stored(*source)
    entered = record(lent.model, samples)
    norm = next(part for name in ("norm", "embedding_norm") if (part := getattr(whole.text, name, None)) is not None)
    for states, sample in zip(walked(lent, entered), samples, strict=True):
        with torch.no_grad():
            expected = whole.model.model(**sample, use_cache=False).last_hidden_state
            assert torch.equal(norm(states), expected)
    assert {value.dtype for value in lent.model.parameters()} == {torch.bfloat16}, "something stayed lent"


def test_tokens_of_another_device_are_looked_up_where_their_embeddings_are(source: tuple[str, Path]) -> None:
    """They are not lent, so that what a GPU was given must come to them."""
    model = stored(*source).model
    with FakeTensorMode(allow_non_fake_inputs=True), streamed(model, Place(), besides=set()):
        ids = torch.zeros(1, 3, dtype=torch.long, device="cuda")
        assert model.get_input_embeddings()(ids).device.type == "cpu"


def test_a_recording_is_the_same_from_disk(source: tuple[str, Path], tmp_path: Path) -> None:
    model, samples = saved.read(*source)
    entered = record(model.model, samples)
    _entrances.save(entered, tmp_path)
    again = _entrances.load(tmp_path)
    assert [one.answer.tolist() for one in again] == [one.answer.tolist() for one in entered]
    assert all(map(torch.equal, walked(model, again), walked(model, entered)))
    tensors = load_file(tmp_path / _entrances.TENSORS)
    assert len({value.data_ptr() for value in tensors.values()}) == len(tensors)
    assert len(tensors) < 4 * len(samples) * len(entered[0].layers), "layers do not share what they have in common"


def test_samples_do_not_leave_traces_in_each_other(source: tuple[str, Path]) -> None:
    model, samples = saved.read(*source)
    together, alone = record(model.model, samples), record(model.model, samples[-1:])
    assert torch.equal(walked(model, together)[-1], walked(model, alone)[0])


@pytest.mark.parametrize("recipe", ["weights/wanda@50%", "weights/rtn@w4a16-g32", "weights/gptq@w4a16-g32"])
def test_many_files_hold_what_one_holds(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved.save("llava", tmp_path / "source")
    methods, held = built(recipe), []
    for name, most in (("one", _saving.SHARD_BYTES), ("many", 30_000)):
        monkeypatch.setattr(_saving, "SHARD_BYTES", most)
        (folder := tmp_path / name).mkdir()
        model, samples = saved.read("llava", tmp_path / "source")
        produce(methods, model.model, record(model.model, samples), source=tmp_path / "source", folder=folder)
        held.append({k: v for path in folder.glob("*.safetensors") for k, v in load_file(path).items()})
    assert held[0].keys() == held[1].keys()
    assert all(torch.equal(value, held[1][name]) for name, value in held[0].items())
    index = json.loads((tmp_path / "many/model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == held[0].keys()
    assert len(set(index["weight_map"].values())) > 3
    assert not (tmp_path / "one/model.safetensors.index.json").exists()
    assert not list(tmp_path.glob("*/part-*"))


@pytest.mark.parametrize("recipe", ["weights/wanda@50%", "weights/sparsegpt@50%", "weights/gptq@w4a16-g32",
                                    "weights/awq@w4a16-g32:grid=4", "weights/owl@50%", "weights/rtn@w8a8",
                                    "weights/gptq@nvfp4+weights/eora@r4"])  # fmt: skip
def test_layers_may_compute_in_16_bits(recipe: str, tmp_path: Path) -> None:
    """Scores are in float32 all the same, so hardly a weight goes that would have stayed."""
    saved.save("llava", tmp_path / "source")
    kept = {}
    for dtype in (torch.float32, torch.bfloat16):
        (folder := tmp_path / str(dtype)).mkdir()
        model, place = stored("llava", tmp_path / "source"), Place(dtype=dtype)
        entered = record(model.model, samples_of(model), place)
        audit = produce(built(recipe), model.model, entered, source=tmp_path / "source", folder=folder, place=place)
        kept[dtype] = audit["achieved_budget"]
    assert kept[torch.float32] == pytest.approx(kept[torch.bfloat16], abs=1e-3)


def built(recipe: str) -> list[WeightsMethod]:
    return [part.method_as(WeightsMethod) for part in parse(recipe).parts]


def test_a_recording_that_is_not_there_or_cut_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; run `make repro`"):
        _entrances.load(tmp_path / "nothing")
    saved.save("llava", tmp_path / "source")
    model, samples = saved.read("llava", tmp_path / "source")
    _entrances.save(record(model.model, samples), tmp_path)
    for name in (_entrances.TENSORS, _entrances.LAID):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=r"is damaged \(\w+\); run `make repro`, which records it anew"):
            _entrances.load(tmp_path)
        (tmp_path / name).write_bytes(whole)
