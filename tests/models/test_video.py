"""A video's frames go through every architecture that takes them, on tiny random models read from checkpoint folders.

The oracles are transformers' own `generate`, gradients, and the numbers of transformers' own video processors.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image
from torch import Tensor
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil

from leanvlm import files
from leanvlm.engine import passes, sweep
from leanvlm.engine import prompt as prompt_module
from leanvlm.engine.prefill import dropping, prefill
from leanvlm.engine.vision import vision_pass
from leanvlm.engine.worker import answer_batch, loaded, read_samples
from leanvlm.errors import InputError
from leanvlm.methods._method import n_keep
from leanvlm.methods._signals import Wanted
from leanvlm.methods._tokens import EncoderSignal, LayerMethod, VideoMethod
from leanvlm.models._checkpoint import Checkpoint
from leanvlm.models._loading import load_model
from leanvlm.pipeline.samples import row
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from leanvlm.tables import samples
from tests.models import test_processors, tiny
from tests.models.test_architectures import CACHE, CROSS, TOKENS, VIDEO, attention_of, gradients
from tests.models.test_processors import QUESTION

ARCHITECTURES = ["internvl", "llava_onevision", "qwen2_5_vl", "qwen2_vl", "qwen3_vl"]
PLACES = {"internvl": "<video>", "llava_onevision": "<video>"}  # elsewhere as Qwen2-VL
SIZES = {"internvl": (112, 112), "llava_onevision": (70, 70)}
SPANS = {  # of five frames
    "internvl": [16] * 5,
    "llava_onevision": [9, 9, 9, 9, 10],  # 5 x 5 patches pooled to 3 x 3; the newline belongs to the last frame
    "qwen2_vl": [8] * 3,  # frames in pairs, the last one twice, 4 x 8 patches each, merged by fours
    "qwen2_5_vl": [8] * 3,
    "qwen3_vl": [2] * 3,  # its limit is on the pixels of the whole video
}
QWEN = [1.2004, 1.6096, 1.2150, 1.9610, 0.0763, 0.2973, -0.1463]
RECORDED = {  # of three frames: the shape and every seventh part's first number
    "internvl": ((3, 3, 112, 112), [1.2004, 1.5196, -1.3096, 0.6165, 1.7904, 1.2150, 1.4295]),
    "llava_onevision": ((1, 3, 3, 70, 70), [1.2004, 1.8198, 1.4065, 1.5654, -1.0963, -0.5806, -1.2869]),
    "qwen2_5_vl": ((32, 1176), QWEN),
    "qwen2_vl": ((32, 1176), QWEN),
    "qwen3_vl": ((32, 1176), QWEN),
}
FRAME = [6] * 4
IDS = {  # 3 is an unknown word: "Frame1:" and timestamps are made of them
    "internvl": [3, 3, 7, *[5] * 16, 8] * 3,
    "llava_onevision": [6] * 28,
    "qwen2_5_vl": [7, *FRAME, *FRAME, 8],
    "qwen2_vl": [7, *FRAME, *FRAME, 8],
    "qwen3_vl": [7, *[*[3] * 6, 7, *FRAME, 8] * 2, 8],
}
INSIDE = [name for name in TOKENS if name not in CROSS]  # the prompt, where all of these models have their frames
every_method = pytest.mark.parametrize("method", [*INSIDE, *CACHE])
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # InternVLProcessor's


def frames(architecture: str, n: int = 5, *, width: int = 112) -> list[Image.Image]:
    size = SIZES.get(architecture, (width, 56))
    return [Image.frombytes("RGB", size, random.Random(i).randbytes(3 * size[0] * size[1])) for i in range(n)]


def onevision(folder: Path) -> None:
    tower = tiny.vision(image_size=70, patch_size=14, vision_use_head=False)
    config = transformers.LlavaOnevisionConfig(
        vision_config=transformers.SiglipVisionConfig(**tower).to_dict(),
        text_config=transformers.Qwen2Config(**tiny.TEXT),
        image_token_index=tiny.IMAGE,
        video_token_index=tiny.VIDEO,
        image_grid_pinpoints=[[70, 70], [70, 140]],
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )
    network = tiny.randomise(transformers.LlavaOnevisionForConditionalGeneration(config))
    network.generation_config.eos_token_id = 2
    network.save_pretrained(folder)
    test_processors.tokenizer("llava_onevision").save_pretrained(folder)
    LlavaOnevisionImageProcessorPil(
        size={"height": 70, "width": 70}, image_grid_pinpoints=config.image_grid_pinpoints
    ).save_pretrained(folder)


def checkpoint(architecture: str, folder: Path) -> Path:
    if architecture == "llava_onevision":
        onevision(folder)
    else:
        test_processors.write_checkpoint(architecture, folder)
    place = PLACES.get(architecture, "<|vision_start|><|video_pad|><|vision_end|>")
    (folder / "chat_template.jinja").write_text(
        "{% for message in messages %}{% for part in message['content'] %}{{ '" + place + "' if part['type'] == 'video'"
        " else part['text'] }}{% endfor %}{% endfor %}"
    )
    return folder


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    model: Any = load_model(request.param, checkpoint(request.param, tmp_path_factory.mktemp(request.param)))
    model.name = request.param
    return model


def inputs_of(model: Any, n: int = 5) -> tiny.Inputs:
    return model.video_inputs(frames(model.name, n), QUESTION, fps=1.0)  # type: ignore[no-any-return]


def said(model: Any, recipe: str) -> sweep.Answer:
    asked = Sample(sample_id="s", question=QUESTION, images=tuple(frames(model.name)), fps=1.0)
    return sweep.answers_to(model, asked, [parse(recipe)], limit=8, stops=frozenset())[recipe]


def test_frames_become_what_transformers_makes_of_them(model: Any) -> None:
    """Recorded from transformers 5.17.0 with torchvision 0.28.0, for frames that need no resizing."""
    inputs = model.video_inputs(frames(model.name, 3, width=56), QUESTION, fps=2.0)
    (pixels,) = (value for name, value in inputs.items() if name.startswith("pixel_values"))
    shape, numbers = RECORDED[model.name]
    assert tuple(pixels.shape) == shape
    torch.testing.assert_close(pixels.flatten()[:: pixels.numel() // 7][:7], torch.tensor(numbers), atol=1e-4, rtol=0)
    asked = model.tokenizer(QUESTION).input_ids
    assert inputs["input_ids"].tolist() == [IDS[model.name] + asked]


def test_full_says_what_generate_says(model: Any) -> None:
    inputs = inputs_of(model)
    tokens = model.model.generate(**inputs, max_new_tokens=8, min_new_tokens=8, do_sample=False, eos_token_id=None)
    expected = tokens[0, inputs["input_ids"].shape[1] :]
    assert len(set(expected.tolist())) > 2, "a model that repeats itself proves little"
    assert said(model, "controls/full").answer == model.tokenizer.decode(expected, skip_special_tokens=True)


def test_blind_asks_without_frames(model: Any) -> None:
    answer = said(model, "controls/blind")
    assert answer.prompt_tokens > answer.visual_tokens > answer.visual_tokens_kept == 0


def test_each_frame_is_a_span(model: Any) -> None:
    prompt = vision_pass.run_vision(model, inputs_of(model))
    assert [end - start for start, end in prompt.spans] == SPANS[model.name]
    assert prompt.spans[-1][1] == prompt.n_visual


@every_method
def test_budget_one_changes_nothing(model: Any, method: str) -> None:
    assert replace(said(model, f"{method}@100%"), kept_centers=None) == said(model, "controls/full")


@every_method
def test_a_budget_is_kept(model: Any, method: str) -> None:
    answer, lengths = said(model, f"{method}@30%"), SPANS[model.name]
    n = sum(lengths)
    assert answer.visual_tokens == n
    if method in CACHE:
        assert abs(answer.cache_kept - 0.3) * answer.prompt_tokens <= 1
        assert answer.tokens_kept == 1
        return
    built = parse(f"{method}@30%").parts[0].built
    if isinstance(built, LayerMethod):
        assert answer.tokens_kept == max(n_keep(n, 0.3), len(lengths)) / n
    elif isinstance(built, VideoMethod):
        assert answer.visual_tokens_kept == max(n_keep(n, 0.3), built.least(n, len(lengths)))
    else:
        assert answer.visual_tokens_kept == sum(n_keep(length, 0.3) for length in lengths)


@pytest.mark.parametrize("method", VIDEO)
def test_text_stays_and_a_frame_may_go(model: Any, method: str) -> None:
    """Of six frames that are all the same EVS keeps the first one."""
    shown = frames(model.name)[:1] * 6
    prompt = vision_pass.run_vision(model, model.video_inputs(shown, QUESTION, fps=1.0), is_video=True)
    part, n_frames = parse(f"{method}@34%").parts[0], len(prompt.spans)
    left = prompt_module.reduce_at_entrance(prompt, part.built, passes.rng_for(part, "s"))
    assert int((~left.is_visual).sum()) == int((~prompt.is_visual).sum())
    lengths = [end - start for start, end in left.spans]
    assert len(lengths) == n_frames
    assert sum(lengths) == max(n_keep(prompt.n_visual, 0.34), part.built.least(prompt.n_visual, n_frames))
    assert lengths[0] == prompt.spans[0][1] or method != "tokens/evs"


@pytest.mark.parametrize("method", [name for name in INSIDE if name not in VIDEO])
def test_text_stays_and_every_frame_keeps_a_token(model: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first tokens be best inside the decoder, so that the budget alone would drop all later frames."""
    part, inputs = parse(f"{method}@1%").parts[0], inputs_of(model)
    prompt = vision_pass.run_vision(model, inputs, wanted=[part.built.encoder] if part.built.encoder else [])
    n_text, n_frames = int((~prompt.is_visual).sum()), len(prompt.spans)
    if not isinstance(part.built, LayerMethod):
        left = prompt_module.reduce_at_entrance(prompt, part.built, passes.rng_for(part, "s"))
        assert (int((~left.is_visual).sum()), len(left.spans)) == (n_text, n_frames)
        assert all(end > start for start, end in left.spans)
        return
    kept: list[Tensor] = []
    cut = dropping.Dropper.cut

    def spy(dropper: Any, *args: Any) -> Any:
        states = cut(dropper, *args)
        kept.append(dropper.kept)
        return states

    monkeypatch.setattr(dropping.Dropper, "cut", spy)
    monkeypatch.setattr(type(part.built), "score", lambda _self, signals, _seen: -torch.arange(float(signals.n_tokens)))
    prefill.prefill(model, prompt, wanted=Wanted(), method=part.built, rng=passes.rng_for(part, "s"))
    assert int((~prompt.is_visual[kept[-1]]).sum()) == n_text
    stays = torch.isin(prompt.is_visual.nonzero()[:, 0], kept[-1])
    assert all(stays[start:end].any() for start, end in prompt.spans)


def test_spread_brings_each_patch_to_the_tokens_that_depend_on_it(model: Any) -> None:
    inputs = model.video_inputs(frames(model.name, width=168), QUESTION, fps=1.0)  # three windows of Qwen2.5-VL's
    depends = gradients(model, inputs)  # (visual, patches)
    eye = torch.eye(depends.shape[1])
    assert torch.equal(model.spread(eye, inputs, fill=0.0) > 0, depends)
    filled = model.spread(eye, inputs, fill=float("-inf")).isinf().any(1)
    assert torch.equal(filled, ~depends.any(1))
    assert torch.equal(model.is_patch(inputs), depends.any(1))


def test_the_encoders_attention_is_what_eager_attention_says(model: Any) -> None:
    """Also frame by frame: no patch attends to another frame."""
    inputs, signal = inputs_of(model), EncoderSignal(block=-1)
    block, received = model.encoder_blocks[-1], list[Tensor]()

    def eager(module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **options: Any) -> Any:
        rows = (query @ key.transpose(-1, -2) * options["scaling"]).softmax(-1)
        if module is block:
            seen = rows.mean(1)[:, 0] if model.class_tokens else rows.mean((1, 2))
            received.append(seen[:, model.class_tokens :].flatten())
        return (rows @ value).transpose(1, 2), None

    with attention_of(block.config, eager), torch.inference_mode():
        model.model.model(**inputs, use_cache=False)
    seen = vision_pass.run_vision(model, inputs, wanted=[signal]).encoder[signal]
    expected = model.spread(torch.cat(received)[:, None], inputs, fill=float("-inf"))[:, 0]
    torch.testing.assert_close(seen.attention, expected)


def test_a_stored_video_is_answered_at_its_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Qwen2.5-VL tells a pair of frames at half a frame a second that it lasts four seconds."""
    monkeypatch.chdir(tmp_path)
    shown = tuple(frames("qwen2_5_vl"))
    asked = {"kind": "what", "question": QUESTION, "answers": ("red",), "rule": "exact"}
    video = Sample(sample_id="film", group_id="film", images=shown, fps=0.5, **asked)
    still = Sample(sample_id="still", group_id="still", images=shown[:1], **asked)
    samples.TABLE.write([row("clips", sample, {}) for sample in (video, still)], files.samples("clips"))
    film, picture = read_samples("clips")
    read_from = Checkpoint("qwen2_5_vl", checkpoint("qwen2_5_vl", tmp_path / "model"), "float32", "cpu")
    model = loaded(read_from)
    inputs = model.inputs_for(film.pictures(), film.question, film.fps)
    assert inputs["second_per_grid_ts"].tolist() == [4.0]
    assert picture.fps is None
    ((_, _, answer),) = answer_batch(read_from, [film], ["controls/full"], limit=4, rows=8)
    assert answer.visual_tokens == sum(SPANS["qwen2_5_vl"])


@pytest.mark.parametrize("architecture", ["llava", "llava_next", "idefics3", "gemma3"])
def test_other_architectures_say_who_takes_videos(architecture: str) -> None:
    with pytest.raises(InputError, match=f"takes no video; {', '.join(ARCHITECTURES)} do"):
        tiny.build(architecture).inputs_for(frames("qwen2_vl"), "one", 1.0)


def test_what_is_no_video_is_one_sentence(model: Any) -> None:
    turned = [*frames(model.name)[:1], Image.new("RGB", (64, 32))]
    for shown, fps, words in ((turned, 1.0, "must have one size"), (frames(model.name), 0.0, "above 0")):
        with pytest.raises(InputError, match=words):
            model.video_inputs(shown, QUESTION, fps=fps)


def test_a_template_without_videos_is_one_sentence(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.processor, "chat_template", "{{ messages[0]['content'][1]['text'] }}")
    with pytest.raises(InputError, match="chat template"):
        inputs_of(model)


def test_qwen3_wants_two_frames(tmp_path: Path) -> None:
    model = load_model("qwen3_vl", checkpoint("qwen3_vl", tmp_path))
    with pytest.raises(InputError, match="2 frames or more; this one has 1"):
        model.video_inputs(frames("qwen3_vl", 1), QUESTION, fps=1.0)
