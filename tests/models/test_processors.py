"""A checkpoint folder becomes a model that reads real pictures: every architecture's `load` and `read_processor`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from leanvlm.engine import sweep
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.models import lfm2_vl
from leanvlm.models._loading import load_model
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny

QUESTION = "how many red cats sit on the mat"
QWEN = {tiny.IMAGE: "<|image_pad|>", tiny.VIDEO: "<|video_pad|>", 7: "<|vision_start|>", 8: "<|vision_end|>"}
ROWS = {50 + 6 * i + j: f"<row_{i + 1}_col_{j + 1}>" for i in range(6) for j in range(6)}
SPECIALS: dict[str, dict[int, str]] = {
    "llava": {tiny.IMAGE: "<image>"},
    "llava_next": {tiny.IMAGE: "<image>"},
    "llava_onevision": {tiny.IMAGE: "<image>", tiny.VIDEO: "<video>"},
    "qwen2_vl": QWEN,
    "qwen2_5_vl": QWEN,
    "qwen3_vl": QWEN,
    "internvl": {tiny.IMAGE: "<IMG_CONTEXT>", tiny.VIDEO: "<video>", 7: "<img>", 8: "</img>"},
    "idefics3": {
        tiny.IMAGE: "<image>",
        7: "<fake_token_around_image>",
        8: "<end_of_utterance>",
        9: "<global-img>",
        **ROWS,
    },
    "gemma3": {tiny.IMAGE: "<image_soft_token>", 7: "<start_of_image>", 8: "<end_of_image>"},
    "lfm2_vl": {tiny.IMAGE: "<image>", 7: "<|image_start|>", 8: "<|image_end|>"},
    "mllama": {tiny.IMAGE: "<|image|>"},
}
NAMED = {  # what the tokenizers of some families call their special tokens
    "internvl": {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    },
    "gemma3": {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"},
}
PLACEHOLDERS = {
    "internvl": "<IMG_CONTEXT>",
    "gemma3": "<start_of_image>",
    "mllama": "<|image|>",
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl"), "<|vision_start|><|image_pad|><|vision_end|>"),
}


def tokenizer(architecture: str) -> PreTrainedTokenizerFast:
    specials = SPECIALS[architecture]
    entries = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, **{word: i for i, word in specials.items()}}
    free = (i for i in range(tiny.VOCABULARY) if i not in set(entries.values()))
    words = {word: next(free) for word in QUESTION.split()}
    entries |= words | {f"<unused{i}>": i for i in free}
    made = Tokenizer(WordLevel(entries, unk_token="<unk>"))
    made.pre_tokenizer = Whitespace()
    image = PLACEHOLDERS.get(architecture, "<image>")
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=NAMED.get(architecture, list(specials.values())),
        chat_template="{% for message in messages %}{% for part in message['content'] %}{{ '" + image + "' if "
        "part['type'] == 'image' else part['text'] }}{% endfor %}{% endfor %}",
    )


def image_processor(architecture: str) -> Any:
    square = {"height": 112, "width": 112}
    if architecture.startswith("qwen"):
        return Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 16})
    return {
        "llava": lambda: CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}),
        "llava_next": lambda: LlavaNextImageProcessorPil(
            size={"shortest_edge": 56},
            crop_size={"height": 56, "width": 56},
            image_grid_pinpoints=[[56, 112], [112, 56], [112, 112]],
        ),
        "internvl": lambda: GotOcr2ImageProcessorPil(size=square, crop_to_patches=True, max_patches=4),
        "idefics3": lambda: Idefics3ImageProcessorPil(
            size={"longest_edge": 112}, max_image_size={"longest_edge": 56}, return_row_col_info=True
        ),
        "gemma3": lambda: Gemma3ImageProcessorPil(size=square, do_pan_and_scan=False),
        "lfm2_vl": lambda: lfm2_vl.ImageProcessor(encoder_patch_size=14, min_image_tokens=4, max_image_tokens=16),
        "mllama": lambda: MllamaImageProcessorPil(size={"height": 56, "width": 56}),
    }[architecture]()


def picture(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(width).randbytes(3 * width * height))


def write_checkpoint(architecture: str, folder: Path) -> None:
    network, _ = tiny.BUILDERS[architecture]()
    network.generation_config.eos_token_id = 2
    network.save_pretrained(folder)
    tokenizer(architecture).save_pretrained(folder)
    image_processor(architecture).save_pretrained(folder)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # InternVLProcessor hands a tensor to numpy
@pytest.mark.parametrize("architecture", list(tiny.BUILDERS))
def test_a_checkpoint_reads_pictures_and_says_what_generate_says(architecture: str, tmp_path: Path) -> None:
    write_checkpoint(architecture, tmp_path)
    model = load_model(architecture, tmp_path)
    for pictures in ([picture(100, 60)], [picture(90, 110), picture(60, 100)]):
        inputs = model.inputs(pictures, QUESTION)
        prompt = run_vision(model, inputs)
        assert prompt.n_visual > 0
        expected = generated(model, inputs)
        blind = generated(model, {"input_ids": model.inputs([], QUESTION)["input_ids"]})
        fewer = "tokens/trimmed@40%" if model.crosses else "tokens/fastv@40%"
        recipes = [parse("controls/full"), parse("controls/blind"), parse(fewer)]
        answers = sweep.answers_to(
            model, Sample(sample_id="s", question=QUESTION, images=tuple(pictures)), recipes, limit=8
        )
        assert (answers["controls/full"].answer, answers["controls/full"].new_tokens) == expected
        assert (answers["controls/blind"].answer, answers["controls/blind"].new_tokens) == blind
        assert answers["controls/blind"].visual_tokens_kept == 0
        assert answers[fewer].visual_tokens_kept < answers["controls/full"].visual_tokens


def generated(model: Any, inputs: tiny.Inputs) -> tuple[str, int]:
    tokens = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    return model.tokenizer.decode(tokens, skip_special_tokens=True).strip(), len(tokens)


def test_gemma_refuses_a_prompt_that_its_window_does_not_hold(tmp_path: Path) -> None:
    write_checkpoint("gemma3", tmp_path)
    model = load_model("gemma3", tmp_path)
    model.model.config.text_config.sliding_window = 80
    asked = Sample(sample_id="s", question=QUESTION, images=(picture(90, 110),))
    with pytest.raises(InputError, match="ask about fewer pictures"):
        sweep.answers_to(model, asked, [parse("controls/full")], limit=64)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((512, 384), (16, 12)),  # whole tokens of 32 pixels already
        ((100, 100), (8, 8)),  # enlarged to the least, 64 tokens
        ((2048, 1024), (22, 11)),  # shrunk below the most, 256 tokens
    ],
)
def test_lfm2_makes_as_many_tokens_as_its_limits_allow(size: tuple[int, int], tokens: tuple[int, int]) -> None:
    """The rule is the published processor's `smart_resize`; sizes worked by hand."""
    found = lfm2_vl.ImageProcessor()(images=[[picture(*size)]], return_row_col_info=True, return_tensors="pt")
    assert found["spatial_shapes"].tolist() == [[2 * tokens[1], 2 * tokens[0]]]
    assert found["pixel_values"].shape == (1, 4 * tokens[0] * tokens[1], 16 * 16 * 3)
    assert (found["image_rows"], found["image_cols"]) == ([1], [1])


def test_lfm2_starts_once_with_or_without_a_picture(tmp_path: Path) -> None:
    """The chat template brings the first token, and the tokenizer would add another."""
    write_checkpoint("lfm2_vl", tmp_path)
    model = load_model("lfm2_vl", tmp_path)
    start = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    model.tokenizer.backend_tokenizer.post_processor = start
    for pictures in ([], [picture(100, 60)]):
        assert 1 not in model.inputs(pictures, QUESTION)["input_ids"]
