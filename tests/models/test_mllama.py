"""Llama 3.2 Vision looks at pictures outside its prompt: what is dropped of them is hidden in transformers' `generate`.

tests/models/test_architectures.py asks it what all are asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from leanvlm.api.generate import generate
from leanvlm.engine import sweep
from leanvlm.engine.crossing import Crossed
from leanvlm.engine.refusal import refusal
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.methods._method import n_keep
from leanvlm.models._loading import load_model
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.models import tiny
from tests.models.test_processors import QUESTION, picture, write_checkpoint

N_FEATURES = 17  # of a tile: sixteen patches and a class token
FEATURE_BYTES = POSITION_BYTES = 2 * 2 * 16 * 4  # in one layer: key and value of two heads, 16 numbers of four bytes


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny.build("mllama")


def sample_of(prompt: str) -> Sample:
    return Sample(sample_id=prompt, question=prompt, images=tuple(tiny.pictures(prompt)))


def said(model: Any, prompt: str, recipe: str) -> sweep.Answer:
    return sweep.answers_to(model, sample_of(prompt), [parse(recipe)], limit=8)[recipe]


def generated(model: Any, inputs: tiny.Inputs) -> str:
    tokens = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    return str(model.tokenizer.decode(tokens.tolist()))


@pytest.mark.parametrize("ids", ["beside each other", "first of all"])
@pytest.mark.parametrize("grids", [[(1, 1)], [(2, 2)], [(1, 1), (3, 1)], [(2, 2), (1, 4), (1, 1)]], ids=str)
def test_full_says_what_generate_says_of_any_pictures(
    model: Any, ids: str, grids: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that fills all tiles, one that fills one, and pictures that all words behind them see."""
    marks = torch.full((1, len(grids)), tiny.IMAGE)
    parts = [marks, tiny.words(20, seed=2)] if ids == "first of all" else [tiny.words(4, seed=1), marks]
    whole = torch.cat([*parts, tiny.words(9, seed=7)], dim=1)
    inputs = tiny.crossed(whole, [rows * columns for rows, columns in grids], grids, model.model.config)
    monkeypatch.setitem(model.prompts, "one", inputs)
    answer = said(model, "one", "controls/full")
    assert answer.answer == generated(model, inputs)
    assert answer.visual_tokens == sum(rows * columns for rows, columns in grids) * N_FEATURES
    assert len(run_vision(model, inputs).text) == (29 if ids == "first of all" else 9)
    for method in ("tokens/trimmed", "tokens/divprune"):
        assert replace(said(model, "one", f"{method}@100%"), kept_centers=None) == answer


@contextmanager
def hiding(model: Any, keep: Tensor, layers: list[int]) -> Iterator[None]:
    """Hide what is dropped of the pictures from some layers. Shapes: keep (F,)."""

    def slow(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **options: Any) -> Any:
        if module.layer_idx not in layers:
            return sdpa_attention_forward(module, query, key, value, mask, **options)
        heads = query.shape[1] // key.shape[1]
        logits = query @ key.repeat_interleave(heads, 1).transpose(-1, -2) * options["scaling"]
        rows = logits.masked_fill(~((mask == 0) & keep), float("-inf")).softmax(-1)
        return (rows @ value.repeat_interleave(heads, 1)).transpose(1, 2), None

    AttentionInterface.register("hiding", slow)
    AttentionMaskInterface.register("hiding", sdpa_mask)
    config = model.text.config
    before, config._attn_implementation_internal = config._attn_implementation_internal, "hiding"
    try:
        yield
    finally:
        config._attn_implementation_internal = before


def spied(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """List what stays of the visual tokens, (visual,), each time that some are left out."""
    kept: list[Tensor] = []
    reduced = Crossed.reduced

    def spy(crossed: Crossed, features: Tensor, keep: Tensor) -> Crossed:
        kept.append(keep)
        return reduced(crossed, features, keep)

    monkeypatch.setattr(Crossed, "reduced", spy)
    return kept


def is_tile(inputs: tiny.Inputs) -> Tensor:
    """Tell the features of tiles from those that fill up. Shapes: -> (F,)."""
    return inputs["aspect_ratio_mask"].flatten().bool().repeat_interleave(N_FEATURES)


@pytest.mark.parametrize("prompt", tiny.PROMPTS)
@pytest.mark.parametrize(
    ("method", "layers"), [("controls/random_tokens", [1, 3]), ("tokens/divprune", [1, 3]), ("tokens/trimmed", [3])]
)
def test_dropping_equals_hiding(
    model: Any, method: str, layers: list[int], prompt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, inputs = spied(monkeypatch), model.inputs(tiny.pictures(prompt), prompt)
    ours = said(model, prompt, f"{method}@10%").answer
    keep = is_tile(inputs)
    keep[keep.clone()] = kept[0]
    assert keep.sum() == sum(n_keep(n, 0.1) for n in model.image_lengths(inputs))
    with hiding(model, keep, layers):
        assert generated(model, inputs) == ours
    assert generated(model, inputs) != ours, "what was dropped said nothing"


def test_trimmed_ranks_by_what_eager_attention_pays(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words between two pictures see the first, and words behind them the second."""
    kept, inputs = spied(monkeypatch), model.inputs(tiny.pictures("two"), "two")
    said(model, "two", "tokens/trimmed@20%")
    config = model.text.config
    before, config._attn_implementation_internal = config._attn_implementation_internal, "eager"
    try:
        with torch.inference_mode():
            paid = model.model(**inputs, output_attentions=True, use_cache=False).attentions[1][0]  # (H, T, F)
    finally:
        config._attn_implementation_internal = before
    marks = (inputs["input_ids"][0] == tiny.IMAGE).nonzero()[:, 0].tolist()
    words = [slice(*marks), slice(marks[1], None)]
    starts, expected = [0, 4 * N_FEATURES], list[bool]()  # every picture has room for four tiles
    for start, n, seeing in zip(starts, model.image_lengths(inputs), words, strict=True):
        received = paid[:, seeing, start : start + n].mean(1)
        places = [sorted(range(n), key=lambda j: -head[j]) for head in received.tolist()]
        best = [(min(order.index(j) for order in places), -float(received[:, j].max()), j) for j in range(n)]
        stays = {j for *_, j in sorted(best)[: n_keep(n, 0.2)]}
        expected += [j in stays for j in range(n)]
    assert kept[0].tolist() == expected


def test_bytes_count_what_is_held_of_pictures(model: Any) -> None:
    """The last word sees the second picture alone, of four tiles; two layers look, and two attend to the prompt."""
    full, n = said(model, "two", "controls/full"), 4 * N_FEATURES
    assert full.cache_bytes == full.full_cache_bytes == 2 * (full.prompt_tokens * POSITION_BYTES + n * FEATURE_BYTES)
    trimmed, random = (said(model, "two", f"{method}@30%") for method in ("tokens/trimmed", "controls/random_tokens"))
    left = n_keep(n, 0.3)
    assert full.cache_bytes - trimmed.cache_bytes == (n - left) * FEATURE_BYTES
    assert full.cache_bytes - random.cache_bytes == 2 * (n - left) * FEATURE_BYTES
    evicted = said(model, "two", "cache/snapkv@30%")
    kept = n_keep(full.prompt_tokens, 0.3)
    assert full.cache_bytes - evicted.cache_bytes == 2 * (full.prompt_tokens - kept) * POSITION_BYTES
    assert evicted.full_cache_bytes == trimmed.full_cache_bytes == full.full_cache_bytes
    assert said(model, "two", "cache/kivi@4bit:group=8,residual=8").bits_kept < 0.8, "of the prompt's positions alone"


def test_beside_a_copy_it_says_the_same(model: Any) -> None:
    assert said(model, "two", "controls/rebatched").answer == said(model, "two", "controls/full").answer


@pytest.mark.parametrize(
    ("architecture", "recipe", "reason"),
    [
        ("mllama", "tokens/fastv@30%", "no visual token passes through its decoder, which looks at them from outside"),
        ("mllama", "cache/kvzip@30%", "cache/kvzip reads pictures again, and none stands in this model's prompt"),
        ("mllama", "weights/awq@w4a16-g32", "pictures feed some of them past every norm"),
        ("llava", "tokens/trimmed@30%", "its visual tokens stand in the prompt, and tokens/trimmed is for "
                                        "cross-attention: mllama"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_a_sentence(architecture: str, recipe: str, reason: str) -> None:
    tried = tiny.build(architecture)
    assert reason in (refusal(type(tried), tried.model.config, parse(recipe)) or "")


def test_transformers_generate_takes_a_recipe_and_refuses_pictures_without_a_mask(model: Any) -> None:
    inputs = model.inputs(tiny.pictures("one"), "one")
    asked: dict[str, Any] = {"max_new_tokens": 8, "custom_generate": generate("tokens/trimmed@30%")}
    found = model.model.generate(**inputs, **asked)[0, inputs["input_ids"].shape[1] :]
    assert model.tokenizer.decode(found.tolist()) == said(model, "one", "tokens/trimmed@30%").answer
    del inputs["cross_attention_mask"]
    with pytest.raises(InputError, match=re.escape("pictures came without cross_attention_mask")):
        model.model.generate(**inputs, **asked)


def test_words_behind_a_prompt_see_what_its_last_one_sees(model: Any) -> None:
    inputs = model.inputs(tiny.pictures("two"), "two")
    longer = model.longer(inputs, tiny.words(3, seed=4))
    before, after = (run_vision(model, one) for one in (inputs, longer))
    assert torch.equal(after.crossed.mask[:, :, :-3], before.crossed.mask)  # type: ignore[union-attr]
    assert (after.crossed.mask[:, :, -3:] == before.crossed.mask[:, :, -1:]).all()  # type: ignore[union-attr]
    assert len(after.text) == len(before.text) + 3 == 23


def test_a_calibration_sample_is_what_one_longer_prompt_is(tmp_path: Path) -> None:
    """Answers stand behind the prompt as if they had been asked with it; without a picture nothing is calibrated."""
    write_checkpoint("mllama", tmp_path)
    loaded = load_model("mllama", tmp_path)
    row = {"sample_id": "s", "question": QUESTION, "answer": "red cats", "images": [picture(100, 60), picture(60, 90)]}
    [sample] = calibration_inputs(loaded, [row])
    expected = loaded.inputs(row["images"], f"{QUESTION} red cats")
    assert sample["input_ids"][0, :-1].tolist() == expected["input_ids"][0].tolist()
    assert torch.equal(sample["cross_attention_mask"][:, :-1], expected["cross_attention_mask"])
    assert not sample.is_visual.any()
    with pytest.raises(InputError, match="calibration sample 's' cannot be asked: it shows no picture"):
        list(calibration_inputs(loaded, [row | {"images": []}]))
