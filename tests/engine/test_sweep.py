"""Sharing changes nothing: an answer from a sweep is the answer of its recipe run alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from PIL.Image import Image

from leanvlm.engine import sweep
from leanvlm.engine.decode import memory, rows
from leanvlm.engine.decode.decode import decode
from leanvlm.engine.decode.steps import DecodeStart
from leanvlm.engine.evict import evict
from leanvlm.engine.prefill.prefill import prefill
from leanvlm.engine.prompt import reduce_at_entrance
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import InputError
from leanvlm.methods._signals import Wanted
from leanvlm.methods.cache.streaming import Method as Streaming
from leanvlm.methods.controls.random_tokens import Method as RandomTokens
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import parse
from leanvlm.sample import Sample

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
    "tokens/prumerge@10%",
    "tokens/tome@10%",
    "tokens/fastv@10%:rows=all",
    "cache/h2o@10%",
    "cache/pyramidkv@10%",
    "cache/lookm@10%",
    "cache/vlcache@10%",
    "tokens/visionzip@40%+cache/vlcache@10%",
    "tokens/fastv@10%+cache/vlcache@10%",
    "tokens/sparsevlm@10%",
    "tokens/divprune@10%",
    "tokens/pyramiddrop@10%",
    "tokens/cdpruner@10%",
    "tokens/dart@10%",
    "cache/csp@10%",
    "cache/kivi@2bit",
    "tokens/fastv@40%+cache/snapkv@10%+cache/kivi@2bit",
]


def sample_of(images: list[Image], question: str, sample_id: str = "s") -> Sample:
    return Sample(sample_id=sample_id, question=question, images=tuple(images))


def test_a_swept_answer_is_the_answer_alone(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    recipes = [parse(text) for text in RECIPES]
    for images, question in prompts:
        swept = sweep.answers_to(model, sample_of(images, question), recipes, limit=8)
        assert sorted(swept) == sorted(r.text for r in recipes)
        for recipe in recipes:
            alone = sweep.answers_to(model, sample_of(images, question), [recipe], limit=8)
            assert alone[recipe.text] == swept[recipe.text]


@pytest.mark.parametrize("n_free", [0, 10**15], ids=["no memory to spare", "memory for all"])
def test_questions_asked_together_get_the_answers_they_get_alone(
    model: LoadedModel, prompts: list[tuple[list[Image], str]], n_free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch holds prompts of all lengths, one without a picture; memory says how much of it fits at once."""
    monkeypatch.setattr(memory, "available_bytes", lambda _: n_free)
    most = most_rows(monkeypatch)
    asked = [sample_of(images, text, str(i)) for i, (images, text) in enumerate([*prompts, ([], "what is the name?")])]
    recipes = [parse(text) for text in ("controls/full", "tokens/fastv@10%", "cache/snapkv@10%")]
    together = {(key, r.text): a for key, r, a in sweep.answer_all(model, asked, recipes, limit=8)}
    assert most() == (8 if n_free else 1)
    assert len(together) == 3 * len(asked)
    for one in asked:
        for recipe, found in sweep.answers_to(model, one, recipes, limit=8).items():
            assert found == together[one.sample_id, recipe]


def most_rows(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count the answers that decoding has at a time."""
    seen, step = [0], rows._step
    monkeypatch.setattr(rows, "_step", lambda one, own, look: (seen.append(len(own)), step(one, own, look))[1])
    return lambda: max(seen)


def test_a_batch_changes_no_bit(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    """Twenty answers on eight rows, two of which end at once, fill the same caches as each answer alone."""
    read = prefill(model, run_vision(model, model.inputs(*prompts[1])), wanted=Wanted(), rng=torch.Generator())

    def start(number: int) -> DecodeStart:
        cache = evict(read, Streaming(budget=(number + 1) / 20), torch.Generator()).cache
        first = torch.zeros_like(read.logits).index_fill(0, torch.tensor(20 + number), 1.0)
        return DecodeStart(cache, first, read.next_position)

    together, stops = [start(number) for number in range(20)], frozenset({23, 29})
    tokens = decode(model, together, stops=stops, limit=9)
    assert sorted(len(answer) for answer in tokens)[:3] == [1, 1, 9]
    for number, answer in enumerate(tokens):
        alone = start(number)
        assert decode(model, [alone], stops=stops, limit=9) == [answer]
        for one, other in zip(together[number].cache.layers, alone.cache.layers, strict=True):
            assert torch.equal(one.keys, other.keys)
            assert torch.equal(one.values, other.values)


def test_pictures_that_touch_have_a_budget_each(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    """Three pages of 145 tokens stand side by side in the prompt; each keeps 1 % of its own, which is one token."""
    prompt = run_vision(model, model.inputs(*prompts[2]))
    assert prompt.spans == ((0, 145), (145, 290), (290, 435))
    reduced = reduce_at_entrance(prompt, RandomTokens(budget=0.01), torch.Generator())
    assert reduced.spans == ((0, 1), (1, 2), (2, 3))
    kept = torch.isin(prompt.positions[0], reduced.positions[0])[prompt.is_visual]
    assert [int(kept[start:end].sum()) for start, end in prompt.spans] == [1, 1, 1]


def test_a_question_without_a_picture_is_answered(model: LoadedModel) -> None:
    for text in RECIPES:
        [found] = sweep.answers_to(model, sample_of([], "what is the name?"), [parse(text)], limit=3).values()
        assert found.visual_tokens == 0


def test_a_layer_that_the_model_lacks_is_refused(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    with pytest.raises(InputError, match="cannot be dropped at layer 4; this model's decoder has 4"):
        sweep.answers_to(model, sample_of(*prompts[0]), [parse("tokens/fastv@10%:layer=4")], limit=3)


def test_what_was_kept_is_what_was_asked(model: LoadedModel, prompts: list[tuple[list[Image], str]]) -> None:
    for images, question in prompts:
        answers = sweep.answers_to(model, sample_of(images, question), [parse(t) for t in RECIPES], limit=2)
        full = answers["controls/full"]
        assert full.cache_bytes == full.full_cache_bytes
        assert answers["controls/blind"].visual_tokens_kept == 0
        random = answers["controls/random_tokens@10%:seed=1"]
        spans = run_vision(model, model.inputs(images, question)).spans
        assert random.visual_tokens_kept == sum((end - start) // 10 for start, end in spans)
        fastv = answers["tokens/fastv@10%"]  # two of four layers are read in full
        assert fastv.visual_tokens_kept == (full.visual_tokens + full.visual_tokens // 10) / 2
        snapkv = answers["cache/snapkv@10%"]
        assert snapkv.cache_kept == (full.prompt_tokens // 10) / full.prompt_tokens
