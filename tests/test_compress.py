"""The stages `calibration` and `compress`: what is on disk is what was asked, and answers as in memory."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoTokenizer
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil

from leanvlm import calibration
from leanvlm.errors import InputError, RunError
from leanvlm.files import whole
from leanvlm.methods.weights._audit import fingerprints
from leanvlm.methods.weights._checkpoint import produce, stored_dtype
from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._weights import WeightsMethod
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from leanvlm.pipeline.stored import as_stored
from leanvlm.recipes import parse, slug
from leanvlm.tables.calibration import TABLE
from stages import calibration as calibration_stage
from stages import compress as compress_stage
from stages import record as record_stage
from stages import samples as samples_stage

RECIPES = ("weights/wanda@50%", "weights/gptq@w4a16-g128", "weights/wanda@2:4+weights/rtn@fp8")
SOURCE = Path("artifacts/models/embedded")
FULL_BYTES = 4 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 256 * 768) * 2


@pytest.fixture(scope="module")
def root(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository root with a bfloat16 checkpoint in which both recipes were run."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(random_checkpoint, root / SOURCE)
    network = load_model("llava_onevision", random_checkpoint).model.to(torch.bfloat16)
    network.save_pretrained(root / SOURCE)
    params: Any = YAML(typ="safe").load(Path(__file__).parents[1] / "params.yaml")
    params["calibration"] = {"n": 3, "seed": 3, "sources": ["documents", "charts", "scenes"]}
    params["samples"]["n"] = 1
    params["models"] = {"embedded": {"architecture": "llava_onevision", "checkpoint": str(SOURCE)}}
    YAML(typ="safe").dump(params, root / "params.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        samples_stage.main()
        calibration_stage.main()
        patch.setattr("sys.argv", ["stages/record.py", "embedded"])
        record_stage.main()
        for recipe in RECIPES:
            run(patch, "embedded", recipe)
    return root


@pytest.fixture
def inside(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)


def run(patch: pytest.MonkeyPatch, *arguments: str) -> None:
    patch.setattr("sys.argv", ["stages/compress.py", *arguments])
    compress_stage.main()


def folder(recipe: str) -> Path:
    return Path("artifacts/checkpoints/embedded") / slug(recipe)


def load(path: Path) -> tuple[LoadedModel, list[dict[str, Tensor]]]:
    loaded = load_model("llava_onevision", path)
    rows = TABLE.read(Path("data/calibration.parquet")).to_pylist()
    return loaded, list(calibration_inputs(loaded, rows))


@torch.no_grad()
def logits(model: Any, samples: Any) -> list[Tensor]:
    """Compute the logits of each sample's last positions, (8, vocabulary)."""
    return [model(**sample, use_cache=False, logits_to_keep=8).logits[0] for sample in samples]


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("recipe", RECIPES)
def test_logits_from_disk_equal_those_of_a_second_run_in_memory(recipe: str) -> None:
    loaded, (_, samples) = as_stored("llava_onevision", SOURCE), load(SOURCE)
    decoder = Decoder(loaded.model, record(loaded.model, samples))
    for part in parse(recipe).parts:
        part.built.compress(decoder)
    again, _ = load(folder(recipe))
    assert {value.dtype for value in again.model.parameters() if value.is_floating_point()} == {torch.float32}
    for expected, found in zip(decoder.logits(decoder.states, 8), logits(again.model, samples), strict=False):
        assert torch.equal(found, expected)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("recipe", RECIPES)
def test_all_but_the_decoders_linear_weights_is_bit_unchanged(recipe: str) -> None:
    before, after = load(SOURCE)[0].model, load(folder(recipe))[0].model
    assert fingerprints(after) == fingerprints(before)
    assert fingerprints(before)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("recipe", RECIPES)
def test_hugging_face_alone_reads_a_checkpoint_and_says_the_same(recipe: str) -> None:
    """With what people write elsewhere, and none of our code; transformers reads packed weights as they are stored."""
    model = AutoModelForImageTextToText.from_pretrained(folder(recipe)).to(torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder(recipe))
    pictures = LlavaOnevisionImageProcessorPil.from_pretrained(folder(recipe))
    ours, samples = load(folder(recipe))
    assert type(model) is type(ours.model)
    for expected, found in zip(logits(ours.model, samples), logits(model, samples), strict=True):
        assert torch.equal(found, expected)
    assert tokenizer.get_vocab() == ours.tokenizer.get_vocab()
    assert pictures.to_dict() == ours.processor.image_processor.to_dict()
    config = json.loads((folder(recipe) / "config.json").read_text())
    assert config.get("quantization_config", {}).get("quant_method") == (
        None if recipe == RECIPES[0] else "compressed-tensors"
    )


@pytest.mark.usefixtures("inside")
def test_the_audit_counts_both_methods_of_a_recipe() -> None:
    audit = json.loads((folder(RECIPES[2]) / "audit.json").read_text())
    stored = load_file(folder(RECIPES[2]) / "model.safetensors")
    codes = {name: value for name, value in stored.items() if value.dtype == torch.float8_e4m3fn}
    scales = [value for name, value in stored.items() if name.endswith("weight_scale")]
    assert len(codes) == len(scales) == audit["n_quantised"] == 28
    size, n_scales = sum(value.numel() for value in codes.values()), sum(value.numel() for value in scales)
    assert audit["parts"] == [
        {"achieved_budget": 0.5, "budget": 0.5, "setting": "2:4"},
        {"achieved_budget": pytest.approx((8 + 16 * n_scales / size) / 16), "budget": 0.5, "setting": "fp8"},
    ]
    assert audit["weights_bytes"] == size // 2 + 2 * n_scales
    for value in codes.values():
        assert int((value.float() != 0).view(-1, 4).sum(1).max()) <= 2


@pytest.mark.usefixtures("inside")
def test_wanda_audit_counts_the_zeros_on_disk() -> None:
    audit = json.loads((folder(RECIPES[0]) / "audit.json").read_text())
    stored = load_file(folder(RECIPES[0]) / "model.safetensors")
    kept = {name: value for name, value in stored.items() if "language_model" in name and "_proj.weight" in name}
    assert len(kept) == audit["n_linears"] == 28
    assert audit["weights_bytes"] == sum(int((value != 0).sum()) for value in kept.values()) * 2
    assert audit["full_weights_bytes"] == FULL_BYTES
    assert audit["achieved_budget"] == audit["nonzero_share"] == 0.5
    assert audit["parts"] == [{"achieved_budget": 0.5, "budget": 0.5, "setting": "50%"}]
    assert {layer["nonzero_share"] for layer in audit["layers"].values()} == {0.5}
    assert audit["n_quantised"] == 0


@pytest.mark.usefixtures("inside")
def test_gptq_audit_counts_the_bits_on_disk() -> None:
    audit = json.loads((folder(RECIPES[1]) / "audit.json").read_text())
    stored = load_file(folder(RECIPES[1]) / "model.safetensors")
    kept = [value for name, value in stored.items() if "language_model" in name and "_proj.weight" in name]
    assert audit["weights_bytes"] == sum(value.numel() * value.element_size() for value in kept)
    assert audit["full_weights_bytes"] == FULL_BYTES
    assert audit["bits_per_weight"] == pytest.approx(4.125, abs=0.002)  # 16 bytes a layer tell its shape
    assert audit["achieved_budget"] == audit["parts"][0]["achieved_budget"] == pytest.approx(4.125 / 16, abs=1e-4)
    assert audit["n_quantised"] == audit["n_linears"] == 28
    assert audit["is_reload_equal"] is True


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_checkpoint_holds_all_that_a_prompt_needs_and_no_path_of_this_machine(recipe: str) -> None:
    names = {path.name for path in folder(recipe).iterdir()}
    assert {"config.json", "tokenizer.json", "preprocessor_config.json", "audit.json"} <= names
    for path in folder(recipe).glob("*.json"):
        assert str(Path.cwd()) not in path.read_text()
    config = json.loads((folder(recipe) / "config.json").read_text())
    assert {config["dtype"], config["text_config"]["dtype"], config["vision_config"]["dtype"]} == {"bfloat16"}


@pytest.mark.usefixtures("inside")
def test_a_second_run_writes_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = {path.name: path.read_bytes() for path in folder(RECIPES[0]).iterdir()}
    run(monkeypatch, "embedded", RECIPES[0])
    assert {path.name: path.read_bytes() for path in folder(RECIPES[0]).iterdir()} == first
    assert not list(folder(RECIPES[0]).parent.glob(".*"))


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("embedded",), "takes a model and a weights method"),
        (("other", RECIPES[0]), "no model 'other'"),
        (("embedded", "cache/snapkv@10%"), "takes methods that act on the weights"),
        (("embedded", "weights/gptq@w2a16-g128"), "it takes w4a16-g32, .*, nvfp4 or mxfp4$"),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=said):
        run(monkeypatch, *arguments)


def test_a_killed_run_leaves_the_old_checkpoint_whole(tmp_path: Path) -> None:
    target = tmp_path / "checkpoint"
    with whole(target) as part:
        part.mkdir()
        (part / "old").touch()

    def interrupted() -> None:
        with whole(target) as part:
            part.mkdir()
            (part / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.rglob("*")] == ["checkpoint", "old"]


@dataclass(frozen=True, kw_only=True)
class Faulty(WeightsMethod):
    """A method that goes wrong without an exception, as several of llmcompressor's do."""

    def budget(self) -> float:
        return 0.5

    @torch.no_grad()
    def compress(self, decoder: Decoder) -> None:
        for block in decoder.rewrite():
            for linear in block.linears.values():
                if self.setting == "nan":
                    linear.weight.fill_(torch.nan)
                elif self.setting != "nothing":
                    linear.weight[:, ::2] = 0
            if self.setting == "norm":
                block.layer.input_layernorm.weight.mul_(2)
        if self.setting == "head":
            decoder.model.lm_head.weight[0, 0] += 1


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("nothing", "kept 1.0000 where 0.5000 was asked"),
        ("nan", "what the compressed model says is not finite"),
        ("head", "changed tensors other than"),
        ("norm", "changed tensors other than"),
    ],
)
def test_a_method_that_fails_silently_is_stopped(fault: str, said: str, tmp_path: Path) -> None:
    loaded, samples = load(SOURCE)
    with pytest.raises(RunError, match=said):
        produce(
            [Faulty(setting=fault)], loaded.model, record(loaded.model, samples[:1]), source=SOURCE, folder=tmp_path
        )


@pytest.mark.usefixtures("inside")
def test_no_samples_are_refused(tmp_path: Path) -> None:
    loaded, _ = load(SOURCE)
    with pytest.raises(InputError, match=r"raise calibration\.n"):
        produce([Faulty(setting="")], loaded.model, [], source=SOURCE, folder=tmp_path)


def test_the_stored_type_changes_no_weight() -> None:
    layer = torch.nn.Linear(8, 8)
    with pytest.raises(InputError, match="neither bfloat16 nor float16"):
        stored_dtype(layer)
    assert stored_dtype(layer.to(torch.float16).to(torch.float32)) is torch.float16
    assert stored_dtype(layer.to(torch.bfloat16).to(torch.float32)) is torch.bfloat16


def test_calibration_is_a_prefix_with_one_picture_each_and_never_graded() -> None:
    state = random.getstate()
    rows = list(calibration.draw(8, seed=0))
    assert random.getstate() == state
    assert list(calibration.draw(5, seed=0)) == rows[:5]
    assert list(calibration.draw(5, seed=1)) != rows[:5]
    assert {row["sample_id"].split("-")[0] for row in rows} == set(calibration.SOURCES)
    assert [len(row["images"]) for row in rows] == [1] * 8
    assert len({row["sample_id"] for row in rows}) == 8
    with pytest.raises(InputError, match="where training samples lie"):
        list(calibration.draw(1, seed=10_000_000))


def test_the_answer_and_its_end_follow_the_prompt(model: LoadedModel) -> None:
    (row,) = calibration.draw(1, seed=0)
    (sample,) = calibration_inputs(model, [row])
    text = model.tokenizer.decode(sample["input_ids"][0])
    assert text.endswith(f"{row['question']}<|assistant|>{row['answer']}<|end|>")
    assert text.count("<image>") >= 300
