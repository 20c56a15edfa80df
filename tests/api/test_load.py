"""`leanvlm.load`, `answer` and `compress`: folders, the hub's cache, and what is refused."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

import leanvlm
from leanvlm.errors import InputError
from leanvlm.models import _adapter
from leanvlm.models._model import LoadedModel
from tests.models import tiny


@pytest.mark.parametrize("architecture", list(tiny.BUILDERS))
def test_the_adapter_follows_from_config_json(architecture: str, tmp_path: Path) -> None:
    tiny.build(architecture).model.config.save_pretrained(tmp_path)
    assert _adapter.infer(tmp_path) == architecture


def test_a_picture_has_no_more_pixels_than_were_asked_for(random_checkpoint: Path) -> None:
    model = leanvlm.load(random_checkpoint, max_pixels=50)
    [shown] = model.shown(leanvlm.Sample(sample_id="s", question="?", images=(Image.new("RGB", (20, 10)),)))
    assert shown.size == (10, 5)
    with pytest.raises(InputError, match="max_pixels is 0; it must be 1 or more"):
        leanvlm.load(random_checkpoint, max_pixels=0)


def test_a_hub_id_comes_from_the_cache(
    random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "0123456789012345678901234567890123456789"
    cached = tmp_path / "models--owner--name"
    shutil.copytree(random_checkpoint, cached / "snapshots" / revision)
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text(revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("owner/name", f"owner/name@{revision}"):
        assert leanvlm.load(name).folder == cached / "snapshots" / revision
    with pytest.raises(InputError, match="is not in the hub's cache"):
        leanvlm.load("owner/other")


@pytest.mark.parametrize("name", ["none", "a/b/c", "../etc", ""])
def test_what_is_neither_folder_nor_id_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no folder|config\.json does not exist"):
        leanvlm.load(name)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_type": ["x"]}', '{"model_type": "bert"}'])
def test_a_config_that_names_no_known_model_is_one_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"names no model_type|no adapter for models of the type"):
        leanvlm.load(tmp_path)


def test_pictures_may_be_files(model: LoadedModel, tmp_path: Path) -> None:
    picture = Image.new("RGBA", (60, 40), "red")
    picture.save(tmp_path / "one.png")
    found = [leanvlm.answer(model, [one], "what?", max_new_tokens=4) for one in (picture, tmp_path / "one.png")]
    assert found[0] == found[1]
    (tmp_path / "two.png").write_text("no picture")
    with pytest.raises(InputError, match="is none of PNG"):
        leanvlm.answer(model, [tmp_path / "two.png"], "what?")


def test_a_compressed_checkpoint_loads_and_answers(model: LoadedModel, tmp_path: Path) -> None:
    weights = {name: value.clone() for name, value in model.model.state_dict().items()}
    sample = leanvlm.Sample(sample_id="a", question="what?", images=(Image.new("RGB", (60, 40)),), answers=("red",))
    source = tmp_path / "halves"
    shutil.copytree(str(model.folder), source)
    halves = leanvlm.load(source).model.to(torch.bfloat16)
    halves.save_pretrained(source)
    audit = leanvlm.compress(
        leanvlm.load(source), "weights/wanda@50%", folder=tmp_path / "half", calibration=[sample] * 2
    )
    assert abs(audit["nonzero_share"] - 0.5) < 0.01
    assert leanvlm.answer(leanvlm.load(tmp_path / "half"), sample.pictures(), "what?", max_new_tokens=4).new_tokens
    assert all(torch.equal(value, weights[name]) for name, value in model.model.state_dict().items())
    with pytest.raises(InputError, match="exists; name a folder that does not"):
        leanvlm.compress(model, "weights/wanda@50%", folder=tmp_path / "half")


@pytest.mark.parametrize(
    ("recipe", "calibration", "said"),
    [
        ("cache/snapkv@10%", 2, "methods that act on the weights"),
        ("weights/wanda@50%", 0, "calibration"),
        ("weights/wanda@50%", [leanvlm.Sample(sample_id="a", question="what?")], "has no answer"),
    ],
)
def test_a_compression_that_cannot_be_leaves_nothing(
    model: LoadedModel, tmp_path: Path, recipe: str, calibration: object, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        leanvlm.compress(model, recipe, folder=tmp_path / "new", calibration=calibration)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def half_imported() -> Iterator[None]:
    """Forget what an import that fails leaves behind: later ones would stumble over it."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("compressed_tensors", "llmcompressor"):
            del sys.modules[name]


@pytest.mark.usefixtures("half_imported")
def test_a_compression_without_its_extra_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "compressed_tensors.offload", None)
    embedded = leanvlm.load(Path(__file__).parents[2] / "artifacts/models/embedded")
    with pytest.raises(InputError, match=r'run: pip install "leanvlm\[compress\]"'):
        leanvlm.compress(embedded, "weights/gptq@w4a16-g128", folder=tmp_path / "new", calibration=2)
    assert list(tmp_path.iterdir()) == []
