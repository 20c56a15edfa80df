"""A checkpoint folder is read as it is published, or refused in one sentence: never guessed, run or leaked."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import leanvlm
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import InputError, RunError
from leanvlm.models._loading import load_model
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny
from tests.models.test_processors import QUESTION, write_checkpoint

FULL = [parse("controls/full")]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint("llava", folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "checkpoint"))


def edit(path: Path, **settings: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def visual_tokens(folder: Path) -> int:
    sample = Sample(sample_id="s", question=QUESTION, images=(Image.new("RGB", (64, 64), "red"),))
    return answers_to(load_model("llava", folder), sample, FULL, limit=2)["controls/full"].visual_tokens


def weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    path = folder / "model.safetensors"
    found = load_file(path)
    change(found)
    save_file(found, path, metadata={"format": "pt"})


def test_a_template_may_lie_where_processors_save_it(folder: Path) -> None:
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    assert visual_tokens(folder) == 16


def test_the_tokenizer_ends_an_answer_where_generation_config_does_not_say(folder: Path) -> None:
    settings = json.loads((folder / "generation_config.json").read_text())
    del settings["eos_token_id"]
    (folder / "generation_config.json").write_text(json.dumps(settings))
    model = load_model("llava", folder)
    assert model.stop_ids == {model.tokenizer.eos_token_id}


@pytest.mark.parametrize("end", [[], [[2]], {}, "</s>", -1])
def test_what_is_no_token_ends_no_answer(folder: Path, end: object) -> None:
    edit(folder / "generation_config.json", eos_token_id=end)
    with pytest.raises(
        InputError, match=r"generation_config\.json: eos_token_id is .* it must be the number of a token"
    ):
        visual_tokens(folder)


def test_a_configuration_without_a_decoder_is_refused_before_another_one_fills_the_memory(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text())
    del settings["text_config"]
    (folder / "config.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match=r"config\.json in .* has no text_config, which says what the decoder is"):
        load_model("llava", folder)


def test_a_weight_of_another_shape_is_named_with_both(folder: Path) -> None:
    name = sorted(load_file(folder / "model.safetensors"))[0]
    weights(folder, lambda found: found.update({name: torch.zeros(3, 3)}))
    with pytest.raises(InputError, match=r"has 1 weights of another shape than config\.json says, .*, \(3, 3\) for \("):
        load_model("llava", folder)


def test_a_package_of_others_is_not_said_to_come_with_ours(folder: Path) -> None:
    edit(folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4, "group_size": 128})
    with pytest.raises(InputError, match="needs a package that is not installed") as caught:
        load_model("llava", folder)
    assert str(caught.value).endswith("install that, or name the checkpoint before it was quantised")


def spoil(index: int, value: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(found: dict[str, torch.Tensor]) -> None:
        found[sorted(found)[index]].view(-1)[3] = value

    return change


@pytest.mark.parametrize("index", [0, 5, -1])
@pytest.mark.parametrize(("value", "said"), [(float("nan"), "NaN"), (float("inf"), "infinite")])
def test_weights_that_are_no_numbers_are_called_so(folder: Path, index: int, value: float, said: str) -> None:
    weights(folder, spoil(index, value))
    with pytest.raises(InputError, match=f"{said} weights in "):
        load_model("llava", folder)


def test_weights_too_large_for_the_dtype_are_refused(folder: Path) -> None:
    weights(folder, spoil(0, 1e6))
    load_model("llava", folder)
    with pytest.raises(InputError, match=r"infinite weights in .* as float16"):
        load_model("llava", folder, dtype="float16")


def test_weights_of_another_dtype_than_config_says_are_refused(folder: Path) -> None:
    edit(folder / "config.json", dtype="float16")
    with pytest.raises(InputError, match="says the weights are float16, and they are float32"):
        load_model("llava", folder)
    edit(folder / "config.json", dtype="float64")  # which holds them to the bit
    load_model("llava", folder)


@pytest.mark.parametrize(
    ("mapped", "said"),
    [
        ({"w": "../other.safetensors"}, "no .*safetensors of its folder"),
        ({"w": "/etc/passwd"}, "no .*safetensors of its folder"),
        ({"w": "pytorch_model.bin"}, "no .*safetensors of its folder"),
        ({"w": "model-00002-of-00002.safetensors"}, "is not there"),
        ({}, "no weight_map"),
        ([], "no weight_map"),
    ],
)
def test_an_index_stays_in_its_folder(folder: Path, mapped: object, said: str) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": mapped}))
    with pytest.raises(InputError, match=said):
        load_model("llava", folder)


def test_code_of_a_checkpoint_is_neither_run_nor_offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a native class beside it the code is left alone; without one, one sentence, and nobody is asked."""
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("somebody was asked"))
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n")
    own = {"AutoConfig": "own.Own", "AutoTokenizer": ["own.Own", None], "AutoProcessor": "own.Own"}
    edit(folder / "config.json", auto_map=own)
    edit(folder / "tokenizer_config.json", auto_map=own)
    try:
        assert visual_tokens(folder) == 16
    except InputError as error:
        assert len(str(error)) <= 300  # noqa: PT017
    edit(folder / "config.json", model_type="own")
    edit(folder / "tokenizer_config.json", tokenizer_class="Own")
    for load in (lambda: leanvlm.load(folder), lambda: load_model("llava", folder)):
        with pytest.raises(InputError):
            load()
    assert not ran.exists()


QWEN_LIMITS = {"size": {"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 16}, "min_pixels": 784, "max_pixels": 12544}


def test_pixel_limits_of_a_checkpoint_do_not_reach_the_next(tmp_path: Path) -> None:
    write_checkpoint("qwen2_vl", tmp_path / "plain")
    shutil.copytree(tmp_path / "plain", tmp_path / "small")
    for name in ("plain", "small"):
        settings = tmp_path / name / "preprocessor_config.json"
        kept = {k: v for k, v in json.loads(settings.read_text()).items() if k not in QWEN_LIMITS}
        settings.write_text(json.dumps(kept | ({"max_pixels": 12544, "min_pixels": 784} if name == "small" else {})))
    picture = Image.new("RGB", (600, 400), "red")

    def counted(name: str) -> int:
        return load_model("qwen2_vl", tmp_path / name).inputs([picture], QUESTION)["input_ids"].shape[1]

    before = counted("plain")
    assert counted("small") < before / 4
    assert counted("plain") == before


MARKS = {"llava": "<image>", "qwen2_vl": "<|image_pad|>", "idefics3": "<image>", "gemma3": "<start_of_image>",
         "internvl": "<IMG_CONTEXT>", "lfm2_vl": "<image>", "mllama": "<|image|>"}  # fmt: skip


@pytest.mark.parametrize("architecture", MARKS)
def test_a_placeholder_without_a_picture_is_refused_naming_the_sample(architecture: str, tmp_path: Path) -> None:
    write_checkpoint(architecture, tmp_path)
    sample = Sample(
        sample_id="s-7", question=f"{2 * MARKS[architecture]} {QUESTION}", images=(Image.new("RGB", (64, 64), "red"),)
    )
    with pytest.raises(InputError, match=r"sample 's-7' \(64 x 64\): the question h"):
        answers_to(load_model(architecture, tmp_path), sample, FULL, limit=2)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # InternVLProcessor hands a tensor to numpy
@pytest.mark.parametrize("architecture", tiny.BUILDERS)
def test_a_picture_stands_where_the_question_says_so_and_the_blind_control_sees_none(
    architecture: str, tmp_path: Path
) -> None:
    write_checkpoint(architecture, tmp_path)
    model = load_model(architecture, tmp_path)
    pictures = (Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 96), "blue"))
    sample = Sample(sample_id="s", question="how <image> red <image> cats", images=pictures)
    ids = model.inputs(pictures, sample.question)["input_ids"][0]
    words = model.tokenizer("how red cats", add_special_tokens=False).input_ids
    places = [int((ids == word).nonzero()[0]) for word in words]
    visual = torch.isin(ids, torch.tensor(model.visual_ids)).nonzero()[:, 0]
    assert [int(((visual > a) & (visual < b)).any()) for a, b in pairwise([0, *places, len(ids)])] == [0, 1, 1, 0]
    in_front = model.inputs(pictures, "how red cats")["input_ids"][0]
    assert int(torch.isin(in_front, torch.tensor(model.visual_ids)).sum()) == len(visual)
    assert answers_to(model, sample, [parse("controls/blind")], limit=2)["controls/blind"].visual_tokens_kept == 0


def test_a_picture_that_a_processor_refuses_names_its_sample_and_size(tmp_path: Path) -> None:
    write_checkpoint("qwen2_vl", tmp_path)
    sample = Sample(sample_id="s-7", question=QUESTION, images=(Image.new("RGB", (1093, 5), "red"),))
    with pytest.raises(InputError, match=r"sample 's-7' \(1093 x 5\).*200"):
        answers_to(load_model("qwen2_vl", tmp_path), sample, FULL, limit=2)


def test_a_prompt_beyond_the_positions_names_its_sample(folder: Path) -> None:
    model = load_model("llava", folder)
    room = model.context_limit or 0
    sample = Sample(sample_id="s-7", question=f"{QUESTION} " * room, images=(Image.new("RGB", (64, 64), "red"),))
    with pytest.raises(InputError, match=f"sample 's-7'.*window of {room}"):
        answers_to(model, sample, FULL, limit=2)


def test_logits_that_are_no_numbers_stop_the_answer(folder: Path) -> None:
    model = load_model("llava", folder)
    with torch.no_grad():
        model.head.weight[5] = float("nan")  # type: ignore[index,operator]
    sample = Sample(sample_id="s-7", question=QUESTION, images=(Image.new("RGB", (64, 64), "red"),))
    with pytest.raises(RunError, match=r"'s-7'.*not finite"):
        answers_to(model, sample, FULL, limit=2)
