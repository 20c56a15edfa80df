"""Sharing changes nothing: an answer from a sweep is the answer of its recipe run alone."""

from __future__ import annotations

from PIL.Image import Image

from leanvlm.engine import sweep
from leanvlm.models._model import LoadedModel
from leanvlm.recipe import parse

RECIPES = [
    "controls/full",
    "controls/blind",
    "controls/downsample@10%",
    "controls/random_tokens@10%:seed=1",
    "controls/random_cache@10%",
    "tokens/fastv@10%",
    "tokens/visionzip@40%",
    "cache/streaming@10%",
    "cache/snapkv@10%",
    "cache/snapkv@40%",
    "tokens/fastv@40%+cache/snapkv@10%",
]


def test_a_swept_answer_is_the_answer_alone(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    recipes = [parse(text) for text in RECIPES]
    for images, question in prompts:
        swept = {r.text: a for r, a in sweep.answer(model, images, question, "s", recipes, limit=8)}
        assert sorted(swept) == sorted(r.text for r in recipes)
        for recipe in recipes:
            alone = {r.text: a for r, a in sweep.answer(model, images, question, "s", [recipe], limit=8)}
            assert alone[recipe.text] == swept[recipe.text]


def test_what_was_kept_is_what_was_asked(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    for images, question in prompts:
        answers = {
            r.text: a for r, a in sweep.answer(model, images, question, "s", [parse(t) for t in RECIPES], limit=2)
        }
        full = answers["controls/full"]
        assert full.cache_bytes == full.full_cache_bytes
        assert answers["controls/blind"].visual_tokens_kept == 0
        random = answers["controls/random_tokens@10%:seed=1"]
        assert random.visual_tokens_kept == full.visual_tokens // 10
        fastv = answers["tokens/fastv@10%"]  # two of four layers are read in full
        assert fastv.visual_tokens_kept == (full.visual_tokens + full.visual_tokens // 10) / 2
        snapkv = answers["cache/snapkv@10%"]
        assert snapkv.cache_kept == (full.prompt_tokens // 10) / full.prompt_tokens
